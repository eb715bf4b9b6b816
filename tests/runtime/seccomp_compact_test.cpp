#include "runtime/seccomp_compact.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "runtime/seccomp_context.h"

using namespace berth::runtime;

namespace {

using Program = std::vector<sock_filter>;

/// What the kernel would do (Documentation/networking/filter.rst): the answer, or nothing where it would refuse.
std::optional<uint32_t> answer(const Program& program, const seccomp_data& call) {
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); ++at) {
    const sock_filter& now = program[at];
    if (now.code == (BPF_RET | BPF_K)) return now.k;
    if (now.code == (BPF_LD | BPF_W | BPF_ABS)) {
      std::memcpy(&a, reinterpret_cast<const char*>(&call) + now.k, sizeof a);
    } else if (now.code == (BPF_ALU | BPF_AND | BPF_K)) {
      a &= now.k;
    } else if (now.code == (BPF_JMP | BPF_JA)) {
      at += now.k;
    } else {
      bool met = false;
      switch (now.code) {
        case BPF_JMP | BPF_JEQ | BPF_K:
          met = a == now.k;
          break;
        case BPF_JMP | BPF_JGT | BPF_K:
          met = a > now.k;
          break;
        case BPF_JMP | BPF_JGE | BPF_K:
          met = a >= now.k;
          break;
        case BPF_JMP | BPF_JSET | BPF_K:
          met = (a & now.k) != 0;
          break;
        default:
          return std::nullopt;
      }
      at += met ? now.jt : now.jf;
    }
  }
  return std::nullopt;
}

/// Calls that each program of these tests may tell apart.
void require_same(const Program& one, const Program& other) {
  std::vector<uint32_t> numbers = {0x3FFFFFFF, 0x40000000, 0x40001000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  for (uint32_t number = 0; number < 600; ++number) {
    numbers.push_back(number);
    numbers.push_back(0x40000000 + number);
  }
  for (const uint32_t architecture :
       std::initializer_list<uint32_t>{AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, 1, ~0U}) {
    for (const uint32_t number : numbers) {
      for (const uint64_t argument : {0ULL, 1ULL, 2ULL, 3ULL, 7ULL, 0x20000ULL, 0x7E020000ULL, 0x100000001ULL, ~0ULL}) {
        const seccomp_data call = {
            .nr = static_cast<int>(number), .arch = architecture, .args = {argument, argument / 2, 0, 0, 0, 0}};
        const std::optional<uint32_t> expected = answer(one, call);
        if (!expected || answer(other, call) != expected) {
          CAPTURE(architecture, number, argument);
          REQUIRE(expected);
          REQUIRE(answer(other, call) == expected);
        }
      }
    }
  }
}

/// Rules that a number in `seed` decides on: few or many, in runs or scattered, some that look at arguments.
Program made(unsigned seed, unsigned optimize) {
  std::mt19937 random(seed);
  const SeccompContext context(seccomp_init(seed % 2 == 0 ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW));
  for (const uint32_t architecture : kSubArches) REQUIRE(seccomp_arch_add(context.get(), architecture) == 0);
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, optimize);
  const unsigned share = 1 + seed % 10;
  bool in_run = false;
  for (int number = 0; number < 440; ++number) {
    if (random() % 8 >= seed % 8) in_run = random() % 10 < share;
    if (!in_run) continue;
    const uint32_t action = seed % 2 != 0 ? SCMP_ACT_ERRNO(random() % 3 + 1) : SCMP_ACT_ALLOW;
    const bool conditional = random() % 20 == 0;
    const scmp_arg_cmp comparison =
        random() % 2 == 0 ? SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0x7E020000, 0) : SCMP_A1_64(SCMP_CMP_LE, random() % 5);
    (void)seccomp_rule_add_array(context.get(), action, number, conditional ? 1 : 0, &comparison);
  }
  return export_program(context).value();
}

}  // namespace

TEST_CASE("a compact seccomp program answers every call as the long one does") {
  int became_shorter = 0;  // not those that answer each number in a way of its own
  for (const unsigned seed : {0, 1, 2, 3, 4, 5, 8, 9, 11, 18, 19}) {
    for (const unsigned optimize : {1, 2}) {
      CAPTURE(seed, optimize);
      const Program program = made(seed, optimize);
      const Program shorter = compact(program);
      became_shorter += shorter.size() < program.size() ? 1 : 0;
      require_same(program, shorter);
    }
  }
  CHECK(became_shorter >= 10);
}

TEST_CASE("ranges of calls with one answer make a seccomp program short") {
  const SeccompContext context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (int number = 0; number < 300; ++number)
    REQUIRE(seccomp_rule_add_array(context.get(), SCMP_ACT_ALLOW, number, 0, nullptr) == 0);
  const Program program = export_program(context).value(), shorter = compact(program);
  CHECK(program.size() > 300);
  CHECK(shorter.size() < 12);
  require_same(program, shorter);
}

TEST_CASE("a seccomp program that computes with numbers stays as it is") {
  const Program program = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const Program same = compact(program);
  REQUIRE(same.size() == program.size());
  CHECK(std::memcmp(same.data(), program.data(), program.size() * sizeof(sock_filter)) == 0);
}
