# Builds, runs, tests, checks, measures and installs Tidelock; `make help` lists the goals.
# Wildcards, no file lists: a new file in a layer's folder is built without a word here.
# BUILD= and CFLAGS= may be given: make BUILD=build-x CFLAGS="-O0 -g" all
BUILD ?= build
CC ?= cc
# A build folder whose name ends in -asan is a sanitized build.
CFLAGS ?= $(if $(filter %-asan,$(BUILD)),$(SANITIZE),-O2 -g)
PREFIX ?= /usr/local
MAKEFLAGS += $(if $(filter 0,$(MAKELEVEL)),-j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null))
# make V=1 shows the commands.
Q = $(if $(V),,@)
SAY = $(if $(V),@:,@printf '  %-5s %s\n')
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# With sanitizers gcc warns of what it cannot see through.
WARN += $(if $(findstring sanitize,$(CFLAGS)),-Wno-format-truncation -Wno-format-overflow \
          -Wno-maybe-uninitialized -Wno-stringop-overflow)
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -Iruntime -I$(BUILD) $(DEP_CFLAGS)
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

ifeq ($(shell uname -s),Darwin)
LINK = -Wl,-export_dynamic
LINK_SHARED = -dynamiclib -undefined dynamic_lookup
else
LINK = -rdynamic -Wl,--as-needed,-O1,--hash-style=gnu,-z,lazy
LINK_SHARED = -shared -Wl,--as-needed,-O1,--hash-style=gnu
endif

# The server part is a shared object of its own, so that starting without a server does
# not load libwebsockets. What it needs of the rest it finds in the binary that loads it.
SRC := $(sort $(wildcard runtime/*/*.c))
SERVER_SRC = $(filter-out runtime/server/door.c,$(filter runtime/server/%,$(SRC)))
SERVER_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(SERVER_SRC))
MAIN_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter runtime/main/%,$(SRC)))
LIB_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out runtime/main/% $(SERVER_SRC),$(SRC))) \
          $(BUILD)/stdlib_data.o
STDLIB := $(sort $(filter-out stdlib/meta/%,$(wildcard stdlib/*.lua stdlib/*/*.lua stdlib/*/*/*.lua)))
CTEST_SRC := $(sort $(wildcard tests/c/*.c))
CTESTS = $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(filter %_test.c,$(CTEST_SRC)))
CTEST_HELP = $(patsubst tests/c/%.c,$(BUILD)/tests/%.o,$(filter-out %_test.c,$(CTEST_SRC)))
PRODUCTS = $(if $(MAIN_OBJ),$(BUILD)/tidelock) $(if $(SERVER_OBJ),$(BUILD)/tidelock-server.so)

all: $(BUILD)/libtidelock.a $(PRODUCTS)

help:
	@echo 'make             build $(BUILD)/tidelock, installing the libraries it needs'
	@echo 'make demo        the embedded backend and the shipped client, connected'
	@echo 'make test        every test; ends with "N passed, N failed". T=reload: those files alone'
	@echo '                 whose name holds it; ONLY=name: those tests alone (tests/README.md)'
	@echo 'make fresh       make test inside a fresh minimal Debian 12 (root; debootstrap)'
	@echo 'make check       format, lint, layers, every test, and again under sanitizers'
	@echo 'make ctests      the C tests alone'
	@echo 'make tools       what the tests run besides: fuzz replays, the codec filter'
	@echo 'make asan        the C and Lua tests under ASan and UBSan'
	@echo 'make bench       measure, side by side with the Node reference client'
	@echo 'make fuzz        FUZZ_SECONDS=60 of random input for each parser (clang)'
	@echo 'make docs        write docs/api from stdlib/meta'
	@echo 'make format      clang-format every C file'
	@echo 'make install     PREFIX=$(PREFIX), DESTDIR='
	@echo 'make clean       remove $(BUILD) and the build-* folders'

# --- What is needed from the system: looked for once, the answer kept ---------------------
ifneq ($(filter-out clean help format fresh,$(or $(MAKECMDGOALS),all)),)
include $(BUILD)/deps.mk
endif

$(BUILD)/deps.mk: tests/setup.sh
	@mkdir -p $(@D)
	@tests/setup.sh build $@

NO_MODULES = $(if $(wildcard tests/peer/node_modules/.package-lock.json),,FORCE)
$(BUILD)/.test-deps: tests/setup.sh $(wildcard tests/peer/package-lock.json) $(NO_MODULES)
	@mkdir -p $(@D)
	@tests/setup.sh test $@

deps: $(BUILD)/deps.mk $(BUILD)/.test-deps

# --- Building ------------------------------------------------------------------------------
# What the build was told. It changes when a file goes or another flag comes, and with it
# what depends on it: no object is left from other flags, none is linked after its source.
define remember
@mkdir -p $(@D)
@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' > $@
endef
$(BUILD)/.flags: FORCE
	$(call remember,$(CC) $(ALL_CFLAGS) $(SERVER_CFLAGS) $(LINK) $(DEP_LIBS) $(SERVER_LIBS))
$(BUILD)/.objects: FORCE
	$(call remember,$(LIB_OBJ) $(MAIN_OBJ) $(SERVER_OBJ) $(CTEST_HELP))
$(BUILD)/.stdlib: FORCE
	$(call remember,$(STDLIB))

$(BUILD)/tidelock: $(MAIN_OBJ) $(LIB_OBJ) $(BUILD)/.objects
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK) -o $@ $(filter %.o,$^) $(DEP_LIBS) -lpthread -lm -ldl

$(BUILD)/tidelock-server.so: $(SERVER_OBJ) $(BUILD)/.objects
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_SHARED) -o $@ $(filter %.o,$^) $(SERVER_LIBS) $(DEP_LIBS)

$(BUILD)/libtidelock.a: $(LIB_OBJ) $(BUILD)/.objects
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/stdlib_data.c: $(STDLIB) $(BUILD)/.stdlib runtime/vm/stdlib_data.sh
	$(SAY) GEN $@
	$(Q)runtime/vm/stdlib_data.sh $(STDLIB) > $@

$(SERVER_OBJ): private EXTRA = -fPIC $(SERVER_CFLAGS)

$(BUILD)/%.o: %.c $(BUILD)/.flags | $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/stdlib_data.o: $(BUILD)/stdlib_data.c $(BUILD)/.flags | $(BUILD)/deps.mk
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# --- Tests ---------------------------------------------------------------------------------
$(BUILD)/tests/%.o: tests/c/%.c $(BUILD)/.flags | $(BUILD)/.test-deps
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/c -MMD -MP -c -o $@ $<

# A test that defines __wrap_malloc and its sisters stands between the core and the system.
WRAP = $(if $(shell grep -l __wrap_malloc tests/c/$(@F).c),$(addprefix -Wl$(,)--wrap=,malloc calloc realloc))
, = ,
$(CTESTS): $(BUILD)/%: $(BUILD)/%.o $(CTEST_HELP) $(BUILD)/libtidelock.a
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK) $(WRAP) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(DEP_LIBS) -lcmocka -lpthread -lm -ldl

# The command line is no part of the library.
$(BUILD)/tests/options_test: $(BUILD)/runtime/main/options.o $(BUILD)/runtime/main/help.o

ctests: all $(CTESTS)
	@BUILD='$(BUILD)' tests/run.sh c

# What the tests run besides: the fuzz targets over their corpus, the codecs as a filter.
-include $(wildcard tests/fuzz/fuzz.mk)
TEST_TOOLS = $(REPLAYS) $(BUILD)/tests/codec
$(BUILD)/tests/codec: tests/peer/codec.c $(BUILD)/libtidelock.a
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(DEP_LIBS) -lpthread -lm -ldl

tools: all $(TEST_TOOLS)

# make test T=reload ONLY=name: what runs is chosen by tests/run.sh, and no more is built.
KINDS = c fuzz lua e2e peer
quoted = '$(subst ','\'',$(1))'
ifeq ($(T),)
TEST_NEEDS = all $(CTESTS) $(TEST_TOOLS) $(BUILD)/.test-deps
else ifneq ($(filter test,$(MAKECMDGOALS)),)
CHOSEN := $(shell tests/run.sh --list --holding $(call quoted,$(T)) $(KINDS))
TEST_NEEDS = $(if $(CHOSEN),all) $(if $(filter-out %.lua %_fuzz.c,$(CHOSEN)),$(BUILD)/.test-deps) \
  $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(filter tests/c/%,$(CHOSEN))) \
  $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(filter tests/fuzz/%,$(CHOSEN))) \
  $(if $(filter %/codec_test.sh,$(CHOSEN)),$(BUILD)/tests/codec)
endif
test: $(TEST_NEEDS)
	@BUILD='$(BUILD)' tests/run.sh --holding $(call quoted,$(T)) --only $(call quoted,$(ONLY)) $(KINDS)

# Where nothing was installed by hand: what tests/setup.sh forgets is found there.
fresh:
	@tests/fresh.sh

# The sanitized build and its tests; the folder is named after the plain one.
asan:
	@$(MAKE) --no-print-directory BUILD='$(BUILD)-asan' asan-build
	@BUILD='$(BUILD)-asan' tests/run.sh c fuzz lua
asan-build: override CFLAGS = $(SANITIZE)
asan-build: all $(CTESTS) $(TEST_TOOLS)

check: all $(CTESTS) $(TEST_TOOLS) $(BUILD)/.test-deps
	@BUILD='$(BUILD)' MAKE='$(MAKE)' tests/check.sh

# --- Running, measuring, installing --------------------------------------------------------
# Ctrl-C reaches make, the shell and the program: it is the usual end, and no error.
demo: all
	@trap : INT; $(BUILD)/tidelock demo || [ $$? = 130 ]

# The measures written in C: build/bench/NAME, from tests/bench/NAME.c
$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libtidelock.a
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(DEP_LIBS) -lpthread -lm -ldl

BENCHES = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard tests/bench/*.c)))
bench: all $(BUILD)/.test-deps $(BENCHES)
	@BUILD='$(BUILD)' tests/bench/run
	@echo; BUILD='$(BUILD)' tests/bench/stores
	@for bench in $(BENCHES); do echo; echo "$${bench##*/}"; $$bench || exit 1; done

format:
	clang-format -i $(wildcard runtime/*/*.[ch] tests/c/*.[ch] tests/fuzz/*.[ch] tests/peer/*.c tests/bench/*.c)

# The API reference: a page for each module, from the types for editors.
docs: all
	@BUILD='$(BUILD)' tests/check/api.sh docs/api

SHARE = $(DESTDIR)$(PREFIX)/share/tidelock
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/tidelock $(SHARE)/stdlib
	install -m 755 $(BUILD)/tidelock $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(filter %.so,$(PRODUCTS)) $(DESTDIR)$(PREFIX)/lib/tidelock/
	rm -rf $(SHARE)/scripts $(SHARE)/examples $(SHARE)/stdlib
	cp -R scripts examples $(SHARE)/
	cp -R stdlib $(SHARE)/

clean:
	rm -rf $(BUILD) build-*/

FORCE:
.PHONY: all help deps ctests tools test fresh asan asan-build check demo bench docs format install clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(patsubst %.o,%.d,$(LIB_OBJ) $(MAIN_OBJ) $(SERVER_OBJ) $(CTEST_HELP) $(CTESTS:=.o))
