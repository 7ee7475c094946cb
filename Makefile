# glasstack: a TCP/IP stack you can see through.
#
#   make            build/glass and build/libglasstack.a
#   make demo       the tour: a laboratory, a ping, a curl, and what went over the wire
#   make check      every test
#   make sim        two stacks on a bad wire: SEEDS=20000 FROM=1, or SEED=7 TRACE=1; make explore: every order
#   make bench      speed beside its references, a few minutes: ROUNDS=5, ROWS=download,latency,...; docs/bench.md
#   make bench-loss goodput over a bad link, beside the kernel's; ROUNDS=1 takes three minutes
#   make pcaps      the reference captures of the laboratory, and the page that reads them
#   make fuzz       every fuzz target for TIME seconds
#   make lint       format, static analysis, the rules that protect themselves
#   make install    into PREFIX (/usr/local)
#
# SAN=1    address and undefined-behaviour sanitizers
# DEBUG=1  -O0 -g3, for stepping through in gdb
# TIME=60  seconds that make fuzz gives each target
# CC=clang works as well as gcc

CC      ?= gcc
PREFIX  ?= /usr/local
BUILD   ?= build$(if $(SAN),/san)$(if $(DEBUG),/debug)

CFLAGS  ?= $(if $(DEBUG),-O0 -g3,-O2 -g)
# Assertions state our own invariants and stay on in every build: no -DNDEBUG.
override CFLAGS += -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
                   -Wvla -Werror -MMD -MP
ifdef SAN
override CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
override LDFLAGS += -fsanitize=address,undefined
endif
ifdef FUZZ # clang's libFuzzer sees what is executed of these; set by make fuzz, which also sets CC, SAN and BUILD
$(BUILD)/stack/%.o $(BUILD)/tun/%.o $(BUILD)/apps/%.o: override CFLAGS += -fsanitize=fuzzer-no-link
# The core has no magic words to guess: watching its comparisons would cost half the speed.
$(BUILD)/stack/%.o: override CFLAGS += -fno-sanitize-coverage=trace-cmp
endif

# The core, in dependency order: a file includes only what stands above it (tests/lint/layers.sh).
STACK := config wire checksum seq siphash rules event timer core table ring ranges frame sendq ip_wire icmp_error sock \
         port outbox tcp_wire rtt cc cc_reno cc_cubic tcp_peers timewaits tcb tcp_segment tcp_timestamps tcp_options tcp_reply \
         tcp_cookie tcp_ecn tcp_timewait tcp_listen_queue tcp_flight tcp_info tcp_sack tcp_rack tcp_loss tcp_rcv tcp_snd \
         tcp_state tcp_timer tcp_rest tcp_listen tcp_user tcp_input tcp_output tcp dgram udp icmp ip_frag ip \
         stack_parts socket socket_call socket_open socket_data socket_close socket_options socket_status \
         stack errno_name event_ends event_text
TUN   := $(patsubst tun/%.c,%,$(sort $(wildcard tun/*.c)))
APPS  := $(patsubst apps/%.c,%,$(sort $(wildcard apps/*.c)))
UNIT  := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))

STACK_C := $(wildcard $(STACK:%=stack/%.c))
STACK_O := $(STACK_C:%.c=$(BUILD)/%.o)
TUN_O   := $(TUN:%=$(BUILD)/tun/%.o)
APPS_O  := $(APPS:%=$(BUILD)/apps/%.o)
LIB     := $(BUILD)/libglasstack.a
GDB_O   := $(BUILD)/gdb/tap.o $(BUILD)/gdb/section.o $(BUILD)/apps/record.o # in every program: see gdb/autoload.py

all: $(BUILD)/glass

$(LIB): $(STACK_O)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcs $@ $^

# The applications without main(): what the tests link.
$(BUILD)/libapps.a: $(filter-out $(BUILD)/apps/main.o,$(APPS_O)) $(TUN_O)
	@rm -f $@
	@echo "  AR    $@"
	@ar rcs $@ $^

$(BUILD)/glass: $(BUILD)/apps/main.o $(GDB_O) $(BUILD)/libapps.a $(LIB)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpcap

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/gdb/section.o: gdb/section.S gdb/autoload.py
	@mkdir -p $(@D)
	@echo "  AS    $@"
	@$(CC) -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(GDB_O) $(BUILD)/libapps.a $(LIB)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lpcap

unit: $(UNIT:%=$(BUILD)/tests/unit/%)

# The state table makes its packets as the scripts do.
$(BUILD)/tests/unit/test_state_table: $(BUILD)/tests/script/packet.o

# The script runner, and every conversation in tests/scripts/.
$(BUILD)/tests/script/script: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/script/*.c))) $(GDB_O) $(LIB)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# The fuzz targets: each with libFuzzer (make fuzz), and all in one program that plays the corpus (make check).
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_O       := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%.o) \
                $(patsubst %,$(BUILD)/tests/%.o,fuzz/world fuzz/peer script/packet)

$(BUILD)/tests/fuzz/replay: $(BUILD)/tests/fuzz/replay.o $(FUZZ_O) $(BUILD)/libapps.a $(LIB)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpcap

LIBFUZZER := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/libfuzzer/%)

$(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/entry_%.o): $(BUILD)/tests/fuzz/entry_%.o: tests/fuzz/entry.c
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -DTARGET=fuzz_$* -c -o $@ $<

$(LIBFUZZER): $(BUILD)/tests/fuzz/libfuzzer/%: $(BUILD)/tests/fuzz/entry_%.o $(FUZZ_O) $(BUILD)/libapps.a $(LIB)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ -lpcap

scripts: $(BUILD)/tests/script/script
	$< $(sort $(wildcard tests/scripts/*.pkt))

# The simulator: make sim SEEDS=20000 FROM=1, or make sim SEED=7 TRACE=1; and every order of a short conversation.
SIM_O     := $(patsubst %,$(BUILD)/tests/sim/%.o,app check report link offload setup run main) $(BUILD)/tun/segment.o
EXPLORE_O := $(patsubst %,$(BUILD)/tests/sim/%.o,app check report explore_world explore_digest explore)

$(BUILD)/tests/sim/sim: $(SIM_O) $(GDB_O) $(LIB)
$(BUILD)/tests/sim/explore: $(EXPLORE_O) $(GDB_O) $(LIB)
$(BUILD)/tests/sim/sim $(BUILD)/tests/sim/explore:
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

sim: $(BUILD)/tests/sim/sim
	$< $(if $(SEED),-s $(SEED) $(if $(TRACE),-t),-n $(or $(SEEDS),20000) -f $(or $(FROM),1))

explore: $(BUILD)/tests/sim/explore
	$< $(if $(STATES),-n $(STATES))

# --- What people type ---

# Packages on a fresh Debian 12 that has only git and make.
DEPS_BUILD := gcc libc6-dev libpcap-dev
DEPS_DEMO  := $(DEPS_BUILD) curl iputils-ping netcat-openbsd
DEPS_CHECK := $(DEPS_DEMO) libcmocka-dev python3 tshark gdb iproute2 nftables procps netbase
DEPS_FUZZ  := $(DEPS_BUILD) clang libclang-rt-dev llvm python3
DEPS_BENCH := $(DEPS_BUILD) python3 util-linux iproute2 nftables ethtool wrk liblwip-dev valgrind libpcre2-8-0 libssl3 zlib1g
DEPS_LINT  := $(DEPS_BUILD) clang clang-format clang-tidy libcmocka-dev shellcheck mandoc

demo:
	@tests/deps.sh $(DEPS_DEMO)
	@$(MAKE) -s $(BUILD)/glass
	$(BUILD)/glass demo

# Unit tests and scripts in both builds, then end to end against the kernel, also in both.
check:
	@tests/deps.sh $(DEPS_CHECK)
	@$(MAKE) -s $(BUILD)/glass unit $(BUILD)/tests/script/script $(BUILD)/tests/fuzz/replay \
	            $(BUILD)/tests/sim/sim $(BUILD)/tests/sim/explore
	@$(MAKE) -s SAN=1 build/san/glass SAN=1 unit build/san/tests/script/script build/san/tests/fuzz/replay \
	            build/san/tests/sim/sim build/san/tests/sim/explore
	@python3 tests/run.py

lint:
	@tests/deps.sh $(DEPS_LINT)
	@clang-format --dry-run -Werror $(sort $(wildcard stack/*.c tun/*.c apps/*.c gdb/*.c tests/*/*.c))
	@tests/lint/layers.sh
	@tests/lint/purity.sh
	@tests/lint/rules.sh
	@tests/lint/names.sh
	@tests/lint/rfc.sh
	@shellcheck -x .ci/run tests/*.sh tests/lint/*.sh
	@shellcheck -s bash share/bash-completion/glass
	@$(MAKE) -s CC=clang BUILD=build/clang build/clang/glass
	@tests/lint/man.sh build/clang/glass
	@clang-tidy --quiet $(STACK_C) -- -std=c11 -D_GNU_SOURCE

# Each fuzz target for TIME seconds; `make fuzz TIME=3600 FUZZ_TARGETS=segment` for one of them and longer.
TIME ?= 60
fuzz:
	@tests/deps.sh $(DEPS_FUZZ)
	@$(MAKE) -s CC=clang SAN=1 FUZZ=1 BUILD=build/fuzz fuzz-programs
	@python3 tests/fuzz/run.py build/fuzz $(TIME) $(FUZZ_TARGETS)

fuzz-programs: $(LIBFUZZER)

# One capture a scenario and the page that reads them: the same bytes each time.
pcaps: $(BUILD)/glass
	@mkdir -p pcaps
	@$< lab --pcaps pcaps

# Two namespaces of the kernel joined by the faulty link, and goodput over it: ratios, no test.
$(BUILD)/tests/bench/wire: $(BUILD)/tests/bench/wire.o $(BUILD)/libapps.a $(LIB)
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpcap

# The clients, the kernel's server, what the device allows, lwIP if it is there, and the core in virtual time.
BENCH     := $(BUILD)/tests/bench
BENCH_ALL := $(patsubst %,$(BENCH)/%,bulk echo1 short hold kernel limit core $(if $(wildcard /usr/include/lwip),lwip))
CORE_O    := $(patsubst %,$(BUILD)/tests/%.o,bench/core bench/core_world script/packet)

$(BENCH)/lwip.o: override CFLAGS += -isystem /usr/include/lwip
$(BENCH)/lwip: LDLIBS := -llwip
$(BENCH)/lwip $(BENCH)/limit: $(BENCH)/device.o
$(BENCH)/core: $(CORE_O) $(LIB)
$(BENCH)/bulk $(BENCH)/echo1 $(BENCH)/short $(BENCH)/hold $(BENCH)/kernel $(BENCH)/limit $(BENCH)/lwip: %: %.o
$(BENCH_ALL):
	@echo "  LD    $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The same tree, but nobody can watch: a copy in which the question always has the answer no. For one row of the bench.
PLAIN := $(BUILD)/without-hook
$(PLAIN)/core: $(BUILD)/glass $(CORE_O)
	@rm -rf $(PLAIN)
	@mkdir -p $(PLAIN)
	@cp -r Makefile stack tun apps gdb $(PLAIN)
	@sed -i 's/return core->config.observe != NULL;/return core == NULL;/' $(PLAIN)/stack/core.h
	@grep -q 'return core == NULL;' $(PLAIN)/stack/core.h || { echo "core_observed reads otherwise now" >&2; exit 1; }
	@$(MAKE) -s -C $(PLAIN) BUILD=build
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(CORE_O) $(PLAIN)/build/libglasstack.a

# nginx only as a program: installing Debian's package would start a web server on this machine.
$(BUILD)/nginx:
	@mkdir -p $@.new
	@(cd $@.new && apt-get download -q nginx >/dev/null 2>&1 && dpkg-deb -x nginx_*.deb .) || \
	    echo "no nginx: its row goes without"
	@mv $@.new $@

bench:
	@tests/deps.sh $(DEPS_BENCH)
	@$(MAKE) -s $(BUILD)/glass bench-programs $(BUILD)/nginx
	@BUILD=$(BUILD) GLASS=$(GLASS) ROUNDS=$(ROUNDS) ROWS=$(ROWS) SCALE=$(SCALE) python3 -B tests/bench/bench.py

bench-programs: $(BENCH_ALL) $(PLAIN)/core

bench-loss:
	@tests/deps.sh $(DEPS_BUILD) python3 util-linux
	@$(MAKE) -s $(BUILD)/glass $(BUILD)/tests/bench/wire
	@BUILD=$(BUILD) python3 tests/bench/loss.py

install: $(BUILD)/glass $(LIB)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/glasstack
	install -m 755 $(BUILD)/glass $(DESTDIR)$(PREFIX)/bin/glass
	install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib/libglasstack.a
	install -m 644 stack/*.h $(DESTDIR)$(PREFIX)/include/glasstack/
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 docs/glass.1 $(DESTDIR)$(PREFIX)/share/man/man1/glass.1
	install -m 644 share/bash-completion/glass $(DESTDIR)$(PREFIX)/share/bash-completion/completions/glass
	install -d $(DESTDIR)$(PREFIX)/share/glasstack/gdb/glass_gdb
	install -m 644 gdb/glass_gdb/*.py $(DESTDIR)$(PREFIX)/share/glasstack/gdb/glass_gdb/

clean:
	rm -rf build

print-%:
	@echo $($*)

.PHONY: all unit scripts sim explore demo check lint bench bench-programs fuzz fuzz-programs pcaps install bench-loss clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
