# luafetch: `make help` lists the targets.
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
VERSION := 0.1.0

CC      ?= cc
PKGS    := libcurl lua5.4 yajl zlib libbrotlidec libzstd libidn2
WARN    := -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough
OPT     ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(OPT) $(WARN) $(WERROR) -Isrc -D_GNU_SOURCE -DLF_VERSION='"$(VERSION)"' \
             $(PKG_CFLAGS) $(SAN) $(CFLAGS)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lm
XML_CFLAGS := $(shell pkg-config --cflags libxml-2.0 2>/dev/null)
XML_LIBS   := $(shell pkg-config --libs libxml-2.0 2>/dev/null)

BASE_SRC   := $(wildcard src/base/*.c)
HTTP_SRC   := $(wildcard src/http/*.c)
ENGINE_SRC := $(wildcard src/engine/*.c)
BIND_SRC   := $(wildcard src/bind/*.c)
obj = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(1))
CORE_OBJ   := $(call obj,$(BASE_SRC) $(HTTP_SRC) $(ENGINE_SRC))
PROG_OBJ   := $(CORE_OBJ) $(call obj,$(BIND_SRC) src/main.c)
MODULES    := $(patsubst src/modules/%.c,$(BUILD)/modules/luafetch/%.so,$(wildcard src/modules/*.c))
UNITS      := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
SERVERS    := $(patsubst tests/servers/%.c,$(BUILD)/servers/%,$(wildcard tests/servers/*.c))

all: $(BUILD)/luafetch $(MODULES)

$(BUILD)/luafetch: $(PROG_OBJ)
	@echo "  LINK  $@"
	@$(CC) $(ALL_CFLAGS) -rdynamic -o $@ $^ $(LDFLAGS) $(PKG_LIBS) -ldl

$(BUILD)/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/modules/luafetch/%.so: src/modules/%.c Makefile
	@mkdir -p $(@D)
	@echo "  MOD   $@"
	@$(CC) $(ALL_CFLAGS) $(XML_CFLAGS) -fPIC -shared -MMD -MP -o $@ $< $(LDFLAGS) $(XML_LIBS)

$(BUILD)/unit/%: tests/unit/%.c $(CORE_OBJ) Makefile
	@mkdir -p $(@D)
	@echo "  UNIT  $@"
	@$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -o $@ $< $(CORE_OBJ) $(LDFLAGS) $(PKG_LIBS)

$(BUILD)/servers/%: tests/servers/%.c Makefile
	@mkdir -p $(@D)
	@echo "  SRV   $@"
	@$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -MMD -MP -o $@ $<

unit: $(UNITS)
servers: $(SERVERS)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
.PHONY: all unit servers clean
