# luafetch: `make help` lists the targets.
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
VERSION := 0.1.0

# Build on all processors; the order of steps never depends on it.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
MAKEFLAGS += --no-print-directory

PKGS    := libcurl openssl libcares lua5.4 zlib libbrotlidec libzstd libidn2 libpsl
CC      ?= cc
OPT     ?= -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough
# Seconds of each fuzz target.
FUZZ_SECONDS ?= 5
SOAK_SECONDS ?= 1800
ASAN    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lm
XML_CFLAGS := $(shell pkg-config --cflags libxml-2.0 2>/dev/null)
# What a module X is linked with, beside what the program has: LIBS_X.
LIBS_entities  := $(shell pkg-config --libs libxml-2.0 2>/dev/null)
# html stays in memory when Lua unloads it: one of its threads may still be at work.
LIBS_html      := $(shell pkg-config --libs libxml-2.0 2>/dev/null) -Wl,-z,nodelete
LIBS_websocket := -lwslay
# job, too, stays in memory: its writer may still be at work.
LIBS_job       := $(shell pkg-config --libs sqlite3 2>/dev/null) -lhiredis -Wl,-z,nodelete
BENCH_LIBS_pages := $(shell pkg-config --libs libxml-2.0 2>/dev/null)

PLAIN_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(WERROR) -D_GNU_SOURCE $(SAN) $(CFLAGS)
ALL_CFLAGS   = $(PLAIN_CFLAGS) -Isrc -DLF_VERSION='"$(VERSION)"' $(PKG_CFLAGS)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# A module, server or unit test X is X.c with the files of the folder X/, if there is one.
parts = $(call obj,$(1).c $(sort $(wildcard $(1)/*.c)))
names = $(notdir $(basename $(wildcard $(1))))

FLOORS  := $(sort $(wildcard src/base/*.c src/http/*.c src/engine/*.c src/bind/*.c))
LIB_OBJ := $(call obj,$(FLOORS))
MODULES := $(call names,src/modules/*.c)
SERVERS := $(call names,tests/servers/*.c)
UNITS   := $(call names,tests/unit/test_*.c)
BENCHERS := $(call names,scripts/bench/*.c)
FUZZERS := $(call names,tests/fuzz/*.c)
# Targets written in Lua: one program under their names.
LUA_FUZZERS := $(filter-out seeds,$(call names,tests/fuzz/*.lua))
MODULE_OBJ  := $(call obj,$(wildcard src/modules/*.c src/modules/*/*.c))

## all: the program and its modules (the default)
all: $(BUILD)/luafetch $(MODULES:%=$(BUILD)/modules/luafetch/%.so)

$(BUILD)/luafetch: $(LIB_OBJ) $(call obj,src/main.c)
	@echo "  LINK  $@"
	@$(CC) $(ALL_CFLAGS) -rdynamic -o $@ $(filter %.o,$^) $(LDFLAGS) $(PKG_LIBS) -ldl

$(BUILD)/libluafetch.a: $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)

$(BUILD)/libmodules.a: $(MODULE_OBJ)
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)

# Flags of files outside the floors; what is not named here gets ALL_CFLAGS.
$(BUILD)/obj/src/modules/%.o: EXTRA = $(XML_CFLAGS) -fPIC
$(BUILD)/obj/scripts/bench/%.o: EXTRA = $(XML_CFLAGS)
$(BUILD)/obj/tests/unit/%.o: EXTRA = -Itests/unit
$(BUILD)/obj/tests/servers/%.o: EXTRA = -Itests/servers
$(BUILD)/obj/tests/fuzz/%.o: EXTRA = $(XML_CFLAGS) -Itests/fuzz

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | have-deps
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

# The script for Redis as a C string.
SCRIPT_INC := $(BUILD)/gen/modules/job/redis.lua.inc
$(SCRIPT_INC): src/modules/job/redis.lua
	@mkdir -p $(@D)
	@sed -e '/^ *--/d' -e 's/^ *//' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
$(BUILD)/obj/src/modules/job/redis_script.o: $(SCRIPT_INC)
$(BUILD)/obj/src/modules/job/redis_script.o: EXTRA = -fPIC -I$(BUILD)/gen

define module_rule
$(BUILD)/modules/luafetch/$(1).so: $(call parts,src/modules/$(1))
	@mkdir -p $$(@D)
	@echo "  MOD   $$@"
	@$(CC) $(ALL_CFLAGS) -shared -o $$@ $$(filter %.o,$$^) $(LDFLAGS) $(LIBS_$(1))
endef
define unit_rule
$(BUILD)/unit/$(1): $(call parts,tests/unit/$(1)) $(BUILD)/libluafetch.a
	@mkdir -p $$(@D)
	@echo "  UNIT  $$@"
	@$(CC) $(ALL_CFLAGS) -o $$@ $$(filter %.o %.a,$$^) $(LDFLAGS) $(PKG_LIBS)
endef
define fuzz_rule
$(BUILD)/fuzz/$(1): $(call parts,tests/fuzz/$(1)) $(BUILD)/libmodules.a $(BUILD)/libluafetch.a
	@mkdir -p $$(@D)
	@echo "  FUZZ  $$@"
	@$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o %.a,$$^) $(LDFLAGS) $(PKG_LIBS) \
	    $(foreach m,$(MODULES),$(LIBS_$(m)))
endef
# $(1): name, $(2): folder of the source, $(3): libraries
define program_rule
$(BUILD)/$(notdir $(2))/$(1): $(call parts,$(2)/$(1))
	@mkdir -p $$(@D)
	@echo "  LINK  $$@"
	@$(CC) $(PLAIN_CFLAGS) -o $$@ $$(filter %.o,$$^) $(LDFLAGS) $(3)
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$(m))))
$(foreach u,$(UNITS),$(eval $(call unit_rule,$(u))))
$(foreach s,$(SERVERS),$(eval $(call program_rule,$(s),tests/servers,)))
$(foreach f,$(FUZZERS),$(eval $(call fuzz_rule,$(f))))
$(foreach b,$(BENCHERS),$(eval $(call program_rule,$(b),scripts/bench,$(PKG_LIBS) $(BENCH_LIBS_$(b)))))

$(LUA_FUZZERS:%=$(BUILD)/fuzz/%): $(call obj,tests/fuzz/lua/target.c) $(LIB_OBJ)
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	@$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -rdynamic -o $@ $(filter %.o,$^) $(LDFLAGS) $(PKG_LIBS)

# Rebuild when flags, libraries or the rules change.
$(BUILD)/flags: Makefile force
	@mkdir -p $(@D)
	@new=$@.$$$$; \
	echo '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(PKG_LIBS) $(XML_CFLAGS))' >$$new; \
	if cmp -s $$new $@ && [ ! Makefile -nt $@ ]; then rm $$new; else mv $$new $@; fi

have-deps:
	@scripts/deps.sh --check build

servers: $(SERVERS:%=$(BUILD)/servers/%)
units: $(UNITS:%=$(BUILD)/unit/%)
fuzzers: $(MODULES:%=$(BUILD)/modules/luafetch/%.so) $(FUZZERS:%=$(BUILD)/fuzz/%) \
         $(LUA_FUZZERS:%=$(BUILD)/fuzz/%)
fuzz-objects: $(foreach f,$(FUZZERS),$(call parts,tests/fuzz/$(f))) $(call obj,tests/fuzz/lua/target.c)

## debug: build/debug/luafetch, without optimization
debug:
	@$(MAKE) all BUILD=build/debug OPT="-O0 -g3"

## asan: build/asan/luafetch, with AddressSanitizer and UBSan
asan:
	@$(MAKE) all units BUILD=build/asan OPT="-O1 -g" SAN="$(ASAN)"

## demo: scrape the bundled demo site; URL=https://… a live one
demo:
	@scripts/deps.sh demo
	@$(MAKE) all
	@scripts/demo.sh $(URL)

## test: unit tests and specs
test:
	@scripts/deps.sh test
	@$(MAKE) all units servers
	@scripts/run-tests.sh unit spec

## unit: the C unit tests alone
unit: units servers
	@scripts/run-tests.sh --build $(BUILD) unit

## spec: the Busted specs alone; SPEC=tests/spec/x_spec.lua one of them
spec: all servers
	@scripts/run-tests.sh --build $(BUILD) spec $(SPEC)

## conformance: the suites of public test data that lie beside the project
conformance: all servers
	@scripts/run-tests.sh --build $(BUILD) conformance

## faults: the score card: 56 things that can go wrong, run through the program; ROWS="13 28" some of them
faults: all servers
	@scripts/deps.sh test
	@timeout 300 $(BUILD)/luafetch --no-progress tests/faults/run.lua $(ROWS)

## faults-peers: curl and aiohttp on the rows of the score card that they can be asked
faults-peers: all servers
	@scripts/deps.sh faults-peers
	@timeout 300 $(BUILD)/luafetch -q --no-progress tests/faults/peers.lua

## soak: 500 in flight for SOAK_SECONDS=1800, good traffic and faults mixed: all outcomes right, memory flat, nothing left
soak: all servers
	@timeout $$(($(SOAK_SECONDS) + 120)) $(BUILD)/luafetch --no-progress -q --limit 600 --per-host 600 \
	    tests/faults/soak.lua $(SOAK_SECONDS)

## asan-test: unit tests and specs under AddressSanitizer and UBSan
asan-test: asan servers
	@scripts/run-tests.sh --build build/asan unit spec

## newer-curl: unit tests and specs with the libcurl of Debian's backports
newer-curl: all units servers
	@scripts/test-newer-curl.sh

## gcstress: the specs with the collector running at every chance; LF_GCSTRESS=30 whole cycles
gcstress: all servers
	@scripts/run-tests.sh --build $(BUILD) gcstress $(SPEC)

## valgrind: unit tests and specs under valgrind
valgrind: all units servers
	@scripts/deps.sh valgrind
	@scripts/run-tests.sh --build $(BUILD) --valgrind unit spec

## fuzz: every parser and the response path, FUZZ_SECONDS=5 each; FUZZ=name one of them; FUZZ_RUNS=20000 the same inputs each time
fuzz:
	@scripts/deps.sh fuzz
	@$(MAKE) all
	@$(MAKE) fuzzers BUILD=build/fuzz CC=clang OPT="-O1 -g" SAN="-fsanitize=fuzzer-no-link $(ASAN)"
	@scripts/fuzz.sh --seconds $(FUZZ_SECONDS) $(if $(FUZZ_RUNS),--repeatable $(FUZZ_RUNS)) $(FUZZ)

## tidy: clang-tidy and cppcheck over src/
tidy:
	@scripts/deps.sh tidy
	@scripts/tidy.sh $(filter -std% -D% -I%,$(ALL_CFLAGS) $(XML_CFLAGS))

## nightly: what takes long: fuzzing for five minutes each, tidy, valgrind, the soak, memory that ends at each of 1,000 allocations, Lua's too, jobs of millions of URLs
nightly:
	@$(MAKE) fuzz FUZZ_SECONDS=300
	@$(MAKE) tidy
	@$(MAKE) valgrind
	@$(MAKE) soak
	@NOMEM_STEP=1 $(MAKE) faults ROWS=46
	@NOMEM_STEP=1 $(MAKE) spec SPEC=tests/spec/nomem_spec.lua
	@timeout 1800 $(MAKE) bench BENCH=frontier_curve

$(BUILD)/bench/go: scripts/bench/peers/go.go
	@mkdir -p $(@D)
	@echo "  GO    $@"
	@go build -o $@ $<

# The newest that the machine's Node can run; without it its lines are left out.
UNDICI := $(BUILD)/bench/node/node_modules/undici/package.json
$(UNDICI):
	@mkdir -p $(BUILD)/bench/node
	@echo "  NPM   undici"
	@npm install --prefix $(BUILD)/bench/node --no-audit --no-fund --silent \
	    undici@$$(node -p 'parseInt(process.versions.node) >= 20 ? 7 : 6') || echo "no undici" >&2

benchers: all servers $(BENCHERS:%=$(BUILD)/bench/%)

## bench: beside other clients, and the numbers to hold; BENCH=name one of them, PEERS="go curl"
bench:
	@scripts/deps.sh bench
	@$(MAKE) benchers $(BUILD)/bench/go $(UNDICI)
	@scripts/bench/run.sh $(BUILD) $(BENCH)

## bench-guard: what a request costs in instructions and system calls, as it was stored
bench-guard:
	@scripts/deps.sh bench-guard
	@$(MAKE) benchers
	@scripts/bench/run.sh $(BUILD) guard

## lint: floors, formatting, luacheck, types, documentation, warnings as errors
lint:
	@scripts/deps.sh lint
	@$(MAKE) all units servers fuzz-objects BUILD=build/lint WERROR=-Werror
	@scripts/lint.sh

## install: to PREFIX (/usr/local), below DESTDIR if given
install: all
	@scripts/install.sh install "$(DESTDIR)$(PREFIX)" $(BUILD)

## uninstall: remove what install put there
uninstall:
	@scripts/install.sh uninstall "$(DESTDIR)$(PREFIX)"

## ci-deps: everything that the targets above may need
ci-deps:
	@scripts/deps.sh all

## clean: remove build/
clean:
	rm -rf build

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /  \1\t/p' Makefile | expand -t 16

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all debug asan demo faults faults-peers soak test units unit spec servers conformance asan-test gcstress \
        valgrind bench bench-guard benchers newer-curl fuzz fuzzers fuzz-objects tidy nightly lint install \
        uninstall ci-deps clean help have-deps force
