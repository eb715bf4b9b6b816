#include "runtime/seccomp_profile.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>

#include "base/text.h"
#include "runtime/seccomp_compact.h"
#include "runtime/seccomp_context.h"
#include "runtime/seccomp_table.h"

namespace berth::runtime {
namespace {

Error unknown(const char* what, const std::string& word, std::vector<std::string> known) {
  std::optional<std::string> near = nearest(word, known);
  return make_error(fmt::format("unknown {} \"{}\"", what, printable(word)),
                    near ? fmt::format("did you mean {}?", *near) : "known are " + join(known, ", "));
}

Result<uint32_t> action_of(const std::string& word, std::optional<uint32_t> error) {
  uint32_t number = error.value_or(EPERM) & 0xFFFF;
  const std::map<std::string, uint32_t> kActions = {
      {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
      {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
      {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
      {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(number)},
      {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(number)},
      {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
      {"SCMP_ACT_LOG", SCMP_ACT_LOG},
  };
  if (auto known = kActions.find(word); known != kActions.end()) return known->second;
  if (word == "SCMP_ACT_NOTIFY") {
    return make_error("action SCMP_ACT_NOTIFY is not supported", "it needs somebody who listens and answers");
  }
  std::vector<std::string> words;
  for (const auto& [name, value] : kActions) words.push_back(name);
  return unknown("seccomp action", word, std::move(words));
}

Result<scmp_arg_cmp> comparison_of(const SeccompProfile::Condition& condition) {
  static const std::map<std::string, scmp_compare> kComparisons = {{"SCMP_CMP_NE", SCMP_CMP_NE},
                                                                   {"SCMP_CMP_LT", SCMP_CMP_LT},
                                                                   {"SCMP_CMP_LE", SCMP_CMP_LE},
                                                                   {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                                                   {"SCMP_CMP_GE", SCMP_CMP_GE},
                                                                   {"SCMP_CMP_GT", SCMP_CMP_GT},
                                                                   {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  auto known = kComparisons.find(condition.comparison);
  if (known == kComparisons.end()) {
    std::vector<std::string> words;
    for (const auto& [name, value] : kComparisons) words.push_back(name);
    return unknown("seccomp comparison", condition.comparison, std::move(words));
  }
  if (condition.argument > 5) return make_error(fmt::format("a system call has no argument {}", condition.argument));
  scmp_arg_cmp result{};
  result.arg = condition.argument;
  result.op = known->second;
  result.datum_a = condition.value;
  result.datum_b = condition.value_two;
  return result;
}

/// The lists of conditions under which the rule holds: one of all of them, or one for each where an argument comes up
/// twice, since one filter rule cannot test it twice.
Result<std::vector<std::vector<scmp_arg_cmp>>> alternatives(const SeccompProfile::Rule& rule) {
  std::vector<scmp_arg_cmp> all;
  bool twice = false;
  for (const SeccompProfile::Condition& condition : rule.conditions) {
    BERTH_TRY(scmp_arg_cmp comparison, comparison_of(condition));
    twice = twice || std::any_of(all.begin(), all.end(), [&](auto& other) { return other.arg == comparison.arg; });
    all.push_back(comparison);
  }
  if (!twice) return std::vector<std::vector<scmp_arg_cmp>>{all};
  std::vector<std::vector<scmp_arg_cmp>> result;
  for (const scmp_arg_cmp& comparison : all) result.push_back({comparison});
  return result;
}

/// A call that libseccomp does not know yet and the table does.
struct Young {
  unsigned number;
  uint32_t action;
};

struct Compilation {
  SeccompContext context;
  uint32_t default_action = 0;
  std::vector<Young> young;
  unsigned last = 0;  // largest number of a native call that the profile names
};

Status add_rule(Compilation& compilation, const SeccompProfile::Rule& rule) {
  BERTH_TRY(uint32_t action, action_of(rule.action, rule.error));
  BERTH_TRY(auto lists, alternatives(rule));
  for (const std::string& name : rule.names) {
    int number = seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) {
      auto known = std::find_if(young_calls().begin(), young_calls().end(), [&](auto& c) { return c.name == name; });
      if (known == young_calls().end()) continue;  // of another architecture, or of a kernel to come
      compilation.last = std::max(compilation.last, known->number);
      if (rule.conditions.empty()) compilation.young.push_back({known->number, action});
      continue;
    }
    if (number > 0) compilation.last = std::max(compilation.last, static_cast<unsigned>(number));
    if (action == compilation.default_action) continue;  // libseccomp refuses what would change nothing
    for (const std::vector<scmp_arg_cmp>& list : lists) {
      int failed = seccomp_rule_add_array(compilation.context.get(), action, number, static_cast<unsigned>(list.size()),
                                          list.data());
      // EDOM, EINVAL: a pseudo call that this architecture does not have. EEXIST: said twice.
      if (failed == 0 || failed == -EDOM || failed == -EINVAL || failed == -EEXIST) continue;
      return sys_error(fmt::format("seccomp rule for {}", printable(name)), -failed);
    }
  }
  return {};
}

Status add_architectures(const SeccompContext& context, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    constexpr std::string_view kPrefix = "SCMP_ARCH_";
    uint32_t token = 0;
    if (name.starts_with(kPrefix)) token = seccomp_arch_resolve_name(to_lower(name.substr(kPrefix.size())).c_str());
    if (token == 0) return make_error(fmt::format("unknown architecture \"{}\"", printable(name)));
    int failed = seccomp_arch_add(context.get(), token);
    if (failed != 0 && failed != -EEXIST) return sys_error("seccomp architecture " + name, -failed);
  }
  return {};
}

/// In front of the tree, for native calls: each young one, and ENOSYS for those beyond the profile's last.
std::vector<sock_filter> prologue(const Compilation& compilation, bool end) {
  size_t length = 2 * compilation.young.size() + (end ? 2 : 0);
  if (length == 0) return {};
  auto behind = [](size_t count) { return static_cast<uint8_t>(count); };
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNativeArch, 0, behind(length + 2)));
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, behind(length), 0));
  for (const Young& call : compilation.young) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, call.action));
  }
  if (!end) return code;
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, compilation.last, 0, 1));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
  return code;
}

}  // namespace

Result<std::vector<sock_filter>> compile_profile(const SeccompProfile& profile) {
  Compilation compilation;
  BERTH_TRY(compilation.default_action, action_of(profile.default_action, profile.default_error));
  compilation.context.reset(seccomp_init(compilation.default_action));
  if (!compilation.context) return make_error("seccomp_init failed");
  (void)seccomp_attr_set(compilation.context.get(), SCMP_FLTATR_CTL_NNP, 0);  // whether to set it is ours to decide
  (void)seccomp_attr_set(compilation.context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // slower without, nothing else
  BERTH_TRY_OK(add_architectures(compilation.context, profile.architectures));
  for (const SeccompProfile::Rule& rule : profile.rules) BERTH_TRY_OK(add_rule(compilation, rule));
  BERTH_TRY(std::vector<sock_filter> tree, export_program(compilation.context));
  bool permissive = compilation.default_action == SCMP_ACT_ALLOW || compilation.default_action == SCMP_ACT_LOG;
  bool end = !permissive && profile.default_error.value_or(EPERM) != ENOSYS && compilation.last != 0;
  std::vector<sock_filter> program = prologue(compilation, end);
  program.insert(program.end(), tree.begin(), tree.end());
  program = compact(program);
  if (program.size() > BPF_MAXINSNS) return make_error("the seccomp profile is too long");
  return program;
}

}  // namespace berth::runtime
