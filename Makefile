# glasstack: a TCP/IP stack you can see through.
#
#   make            build/glass and build/libglasstack.a
#   make demo       the tour: a laboratory, a ping, a curl, and what went over the wire
#   make check      every test
#   make lint       format, static analysis, the rules that protect themselves
#   make install    into PREFIX (/usr/local)
#
# SAN=1    address and undefined-behaviour sanitizers
# DEBUG=1  -O0 -g3, for stepping through in gdb
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

# The core, in dependency order: a file includes only what stands above it (tests/lint/layers.sh).
STACK := config wire checksum seq rules event table timer core ring ranges frame ip_wire icmp_error sock port \
         outbox tcp_wire rtt cc cc_reno tcb tcp_segment tcp_reply tcp_timewait tcp_listen_queue tcp_loss tcp_rcv \
         tcp_snd tcp_state tcp_timer tcp_listen tcp_user tcp_input tcp_output tcp dgram udp icmp ip_frag ip \
         stack_parts socket stack event_text
TUN   := $(patsubst tun/%.c,%,$(sort $(wildcard tun/*.c)))
APPS  := $(patsubst apps/%.c,%,$(sort $(wildcard apps/*.c)))
UNIT  := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))

STACK_C := $(wildcard $(STACK:%=stack/%.c))
STACK_O := $(STACK_C:%.c=$(BUILD)/%.o)
TUN_O   := $(TUN:%=$(BUILD)/tun/%.o)
APPS_O  := $(APPS:%=$(BUILD)/apps/%.o)
LIB     := $(BUILD)/libglasstack.a

all: $(BUILD)/glass

$(LIB): $(STACK_O)
	@rm -f $@
	ar rcs $@ $^

# The applications without main(): what the tests link.
$(BUILD)/libapps.a: $(filter-out $(BUILD)/apps/main.o,$(APPS_O)) $(TUN_O)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/glass: $(BUILD)/apps/main.o $(BUILD)/libapps.a $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpcap

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/tests/unit/test_%.o $(BUILD)/libapps.a $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lpcap

unit: $(UNIT:%=$(BUILD)/tests/unit/%)
	@for t in $^; do $$t || exit 1; done

# The script runner, and every conversation in tests/scripts/.
$(BUILD)/tests/script/script: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/script/*.c))) $(LIB)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

scripts: $(BUILD)/tests/script/script
	$< $(sort $(wildcard tests/scripts/*.pkt))

clean:
	rm -rf build

.PHONY: all unit scripts clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
