// How this works: libseccomp turns the table into a balanced tree for the calls that it knows. A short prologue in
// front of it handles what it does not know, for the native architecture:
//
//   the young calls of the table that this container may make     → allow
//   numbers beyond the table's last                                → ENOSYS
//
// and falls through into the tree for everything else. Jumps in a BPF program are relative, so prefixing one is safe.
// In the end compact() makes it a fourth as long.

#include "runtime/seccomp.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <set>

#include "runtime/seccomp_compact.h"
#include "runtime/seccomp_context.h"
#include "runtime/seccomp_table.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

// Part of the cache's file name: raised with every change of the table or of the way it is compiled.
constexpr int kFormat = 2;

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;
bool has(CapMask caps, unsigned cap) {
  return (caps >> cap & 1) != 0;
}

/// Names that a container with these capabilities may call whatever the arguments are.
std::set<std::string_view> allowed_names(CapMask caps) {
  std::set<std::string_view> names(always_allowed_calls().begin(), always_allowed_calls().end());
  for (const GatedCalls& group : gated_calls()) {
    if ((caps & group.cap) != 0) names.insert(group.names.begin(), group.names.end());
  }
  return names;
}

Status add_rule(const SeccompContext& context, uint32_t action, std::string_view name, const scmp_arg_cmp* condition) {
  int number = seccomp_syscall_resolve_name(std::string(name).c_str());
  if (number == __NR_SCMP_ERROR) return {};  // younger than libseccomp (the prologue's), or of another architecture
  int failed = seccomp_rule_add_array(context.get(), action, number, condition == nullptr ? 0 : 1, condition);
  // EDOM, EINVAL: a pseudo call that this architecture does not have.
  if (failed == 0 || failed == -EDOM || failed == -EINVAL) return {};
  return sys_error(fmt::format("seccomp rule for {}", name), -failed);
}

Status add_conditional(const SeccompContext& context, CapMask caps) {
  for (unsigned family : allowed_families()) {
    scmp_arg_cmp condition = SCMP_A0_32(SCMP_CMP_EQ, family);
    BERTH_TRY_OK(add_rule(context, SCMP_ACT_ALLOW, "socket", &condition));
  }
  for (unsigned value : allowed_personalities()) {
    scmp_arg_cmp condition = SCMP_A0_32(SCMP_CMP_EQ, value);
    BERTH_TRY_OK(add_rule(context, SCMP_ACT_ALLOW, "personality", &condition));
  }
  if (!has(caps, CAP_SYS_ADMIN)) {
    scmp_arg_cmp condition = SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaceFlags, 0);
    BERTH_TRY_OK(add_rule(context, SCMP_ACT_ALLOW, "clone", &condition));
    // Its flags lie in memory, where a filter cannot look; a libc that hears ENOSYS uses clone instead.
    BERTH_TRY_OK(add_rule(context, SCMP_ACT_ERRNO(ENOSYS), "clone3", nullptr));
  }
  return {};
}

std::vector<sock_filter> prologue(const std::set<std::string_view>& names) {
  std::vector<unsigned> young;
  for (const YoungCall& call : young_calls()) {
    if (names.count(call.name) != 0) young.push_back(call.number);
  }
  // load arch; other than native → behind us. load nr; x32 → behind us. Each young call → allow. Beyond the last →
  // ENOSYS.
  auto count = static_cast<uint8_t>(young.size());
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kNativeArch, 0, static_cast<uint8_t>(count + 6)));
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, static_cast<uint8_t>(count + 4), 0));
  // One comparison keeps the common, old calls out of the list.
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, young_calls().front().number, 0, static_cast<uint8_t>(count + 3)));
  for (uint8_t i = 0; i < count; ++i) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, young[i], static_cast<uint8_t>(count - i + 1), 0));
  }
  code.push_back(BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kLastKnownCall, 0, 2));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, kNoSuchCall));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, kAllow));
  return code;
}

std::string cache_name(const std::string& dir, CapMask caps) {
  const scmp_version* version = seccomp_version();
  CapMask relevant = 0;
  for (const GatedCalls& group : gated_calls()) relevant |= caps & group.cap;
  return fmt::format("{}/seccomp-v{}-{}.{}.{}-{:x}-{:x}.bpf", dir, kFormat, version->major, version->minor,
                     version->micro, kNativeArch, relevant);
}

/// A program from the cache; empty if there is none, or one that others could have written.
std::vector<sock_filter> read_cached(const std::string& path) {
  Result<sys::UniqueFd> file = sys::open_file(path, O_RDONLY | O_NOFOLLOW);
  struct stat info {};
  if (!file || fstat(file->get(), &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 022) != 0) return {};
  Result<std::string> bytes = sys::read_all(file->ref(), BPF_MAXINSNS * sizeof(sock_filter));
  if (!bytes || bytes->empty() || bytes->size() % sizeof(sock_filter) != 0) return {};
  std::vector<sock_filter> program(bytes->size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes->data(), bytes->size());
  return program;
}

}  // namespace

Result<std::vector<sock_filter>> export_program(const SeccompContext& context) {
  sys::UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file.valid()) return sys_error("memfd_create", errno);
  if (int failed = seccomp_export_bpf(context.get(), file.get()); failed != 0) {
    return sys_error("compile the seccomp program", -failed);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return sys_error("lseek", errno);
  BERTH_TRY(std::string bytes, sys::read_all(file.ref(), 1 << 20));
  std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
  return program;
}

Result<std::vector<sock_filter>> compile_default_filter(CapMask caps) {
  SeccompContext context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!context) return make_error("seccomp_init failed");
  for (uint32_t arch : kSubArches) {
    if (int failed = seccomp_arch_add(context.get(), arch); failed != 0) return sys_error("seccomp_arch_add", -failed);
  }
  // Loading without no_new_privs needs CAP_SYS_ADMIN, which we hold; libseccomp must not insist on its own.
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
  if (int failed = seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); failed != 0) {
    return sys_error("seccomp: ask for a balanced tree", -failed);
  }
  std::set<std::string_view> names = allowed_names(caps);
  for (std::string_view name : names) BERTH_TRY_OK(add_rule(context, SCMP_ACT_ALLOW, name, nullptr));
  BERTH_TRY_OK(add_conditional(context, caps));
  BERTH_TRY(std::vector<sock_filter> tree, export_program(context));
  std::vector<sock_filter> program = prologue(names);
  program.insert(program.end(), tree.begin(), tree.end());
  program = compact(program);
  if (program.size() > BPF_MAXINSNS) return make_error("the seccomp program has become too long");
  return program;
}

Result<std::vector<sock_filter>> default_filter(CapMask caps, const std::string& cache_dir) {
  std::string path = cache_dir.empty() ? "" : cache_name(cache_dir, caps);
  if (!path.empty()) {
    std::vector<sock_filter> cached = read_cached(path);
    if (!cached.empty()) return cached;
  }
  BERTH_TRY(std::vector<sock_filter> program, compile_default_filter(caps));
  if (!path.empty()) {
    std::string_view bytes(reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter));
    // A cache that cannot be written costs the next process a millisecond, nothing else.
    if (sys::make_dirs(cache_dir, 0700)) (void)sys::write_file_atomic(path, bytes, sys::Durability::none, 0600);
  }
  return program;
}

}  // namespace berth::runtime
