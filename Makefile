# Wildcards, no file lists: a new file in a layer's folder is built without a word here.
BUILD ?= build
CC ?= cc
PKGS = lua5.4 libcurl libuv libcjson
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -Iruntime -I$(BUILD) $(shell pkg-config --cflags $(PKGS))
LIBS = $(shell pkg-config --libs $(PKGS)) -lpthread -lm -ldl
SRC = $(wildcard runtime/*/*.c)
LIBSRC = $(filter-out runtime/main/%,$(SRC))
OBJ = $(SRC:%.c=$(BUILD)/%.o)
LIBOBJ = $(LIBSRC:%.c=$(BUILD)/%.o)
CTESTS = $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/*_test.c))

all: $(BUILD)/tidelock

$(BUILD)/tidelock: $(OBJ)
	$(CC) $(CFLAGS) -rdynamic -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: tests/c/%.c $(LIBOBJ)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $^ $(LIBS) -lcmocka

ctests: $(CTESTS)
	@for t in $(CTESTS); do $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all clean ctests
-include $(OBJ:.o=.d)
