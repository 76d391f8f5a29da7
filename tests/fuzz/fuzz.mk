# make fuzz: each target in tests/fuzz runs for FUZZ_SECONDS under libFuzzer, ASan and
# UBSan (clang), from the inputs in tests/fuzz/corpus. What was found interesting is kept in
# build-fuzz/corpus for the next run; an input that fails is written to build-fuzz/ and the
# goal fails. Once mended it goes into tests/fuzz/corpus, which make test replays.
FUZZ_SECONDS ?= 60
FUZZ_DIR = build-fuzz
FUZZ_CC = clang -std=gnu11 -D_GNU_SOURCE $(WARN) -g -O1 -fno-omit-frame-pointer \
  -fsanitize=address,undefined -fno-sanitize-recover=all -Iruntime $(DEP_CFLAGS)
FUZZ_OBJ = $(patsubst $(BUILD)/%,$(FUZZ_DIR)/%,$(LIB_OBJ))
FUZZERS = $(patsubst tests/fuzz/%.c,$(FUZZ_DIR)/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))

$(FUZZ_DIR)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/stdlib_data.o: $(BUILD)/stdlib_data.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -c -o $@ $<

$(FUZZ_DIR)/%_fuzz: tests/fuzz/%_fuzz.c $(FUZZ_OBJ)
	$(SAY) LINK $@
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJ) $(DEP_LIBS) -lpthread -lm

fuzz: $(FUZZERS)
	@for f in $(FUZZERS:$(FUZZ_DIR)/%=%); do \
	  mkdir -p $(FUZZ_DIR)/corpus/$$f; \
	  $(FUZZ_DIR)/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 -max_len=4096 \
	    -dict=tests/fuzz/$$f.dict -artifact_prefix=$(FUZZ_DIR)/$$f- -verbosity=0 \
	    -print_final_stats=1 $(FUZZ_DIR)/corpus/$$f tests/fuzz/corpus/$${f%_fuzz} \
	    >$(FUZZ_DIR)/$$f.log 2>&1 || \
	    { grep -av '^"' $(FUZZ_DIR)/$$f.log; echo "FAIL fuzz/$$f"; exit 1; }; \
	  echo "ok   fuzz/$$f: $$(sed -n 's/^stat::number_of_executed_units: *//p' \
	    $(FUZZ_DIR)/$$f.log) inputs"; \
	done

# The same targets from the plain compiler, with a main that runs them over the corpus.
REPLAYS = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))
$(BUILD)/tests/%_fuzz: tests/fuzz/%_fuzz.c tests/fuzz/replay.c $(BUILD)/libtidelock.a
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ $(DEP_LIBS) -lpthread -lm

.PHONY: fuzz
-include $(FUZZ_OBJ:.o=.d)
