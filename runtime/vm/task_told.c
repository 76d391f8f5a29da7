#include "vm/task_told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/vm.h"

static void copy_part(char *to, size_t room, const char *from, size_t len) {
  if (len >= room) len = room - 1;
  if (len) memcpy(to, from, len);
  to[len] = '\0';
}

void task_set_name(Task *task, TaskName name) {
  task->what = name.what;
  copy_part(task->of, sizeof task->of, name.of, name.of ? strlen(name.of) : 0);
  copy_part(task->event_name, sizeof task->event_name, name.event, name.event_len);
}

/* Puts the name together: only when somebody is told. */
static const char *name_of(const Task *task, char out[128]) {
  snprintf(out, 128, "%s%s%s%s%s", task->what, *task->of ? " " : "", task->of,
           *task->event_name ? ": " : "", task->event_name);
  return out;
}

void task_tell_no_memory(const Task *task, Vm *vm) {
  char text[128];
  log_write(vm->host->log, LOG_ERROR, vm->owner->name, "%s: no memory for a task",
            name_of(task, text));
  vm->hooks->failed(vm, "no memory for a task");
}

void task_tell_error(const Task *task) {
  Vm *vm = task->vm;
  char name[128], *text = task_describe(vm, task->co, task->trace);
  log_write(vm->host->log, LOG_ERROR, vm->owner->name, "error in %s: %s",
            name_of(task, name), text);
  vm->hooks->failed(vm, text);
  free(text);
}

void task_tell_slow(const Task *task, double ms) {
  char name[128];
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s ran for about %.0f ms without waiting", name_of(task, name), ms);
}

/* Of those that end together one is told, the others are counted. */
void task_tell_stopped(const Task *task) {
  char name[128];
  if (task->vm->sharing && task->vm->stopped++) return;
  log_write(task->host->log, LOG_WARN, task->vm->owner->name,
            "%s was cancelled and went on waiting: it is stopped", name_of(task, name));
}
