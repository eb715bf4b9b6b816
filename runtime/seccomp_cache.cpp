#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "base/version.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr size_t kMaxProgramFile = 4 << 20;
constexpr size_t kMaxProgramFiles = 64;

/// Everything that the program follows from. The file holds it as well: a name that two profiles share does no harm.
std::string key_of(const std::string& profile) {
  const scmp_version* version = seccomp_version();
  return fmt::format("berth {} compact libseccomp {}.{}.{}\n{}", kVersion, version->major, version->minor,
                     version->micro, profile);
}

std::string name_of(const std::string& key) {
  uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("{:016x}.bpf", hash);
}

/// Nothing if there is none, or one that others could have written.
std::vector<sock_filter> read(const std::string& path, const std::string& key) {
  Result<sys::UniqueFd> file = sys::open_file(path, O_RDONLY | O_NOFOLLOW);
  struct stat info {};
  if (!file || fstat(file->get(), &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 022) != 0) return {};
  Result<std::string> bytes = sys::read_all(file->ref(), kMaxProgramFile);
  if (!bytes || !bytes->starts_with(key)) return {};
  size_t size = bytes->size() - key.size();
  if (size == 0 || size % sizeof(sock_filter) != 0) return {};
  std::vector<sock_filter> program(size / sizeof(sock_filter));
  std::memcpy(program.data(), bytes->data() + key.size(), size);
  return program;
}

void write(const std::string& dir, const std::string& path, std::string key, const std::vector<sock_filter>& program) {
  if (sys::list_dir(dir).value_or({}).size() >= kMaxProgramFiles)
    (void)sys::remove_tree(dir);  // they come back when needed
  key.append(reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter));
  if (sys::make_dirs(dir, 0700)) (void)sys::write_file_atomic(path, key, sys::Durability::none, 0600);
}

}  // namespace

Result<std::vector<sock_filter>> cached_program(const std::string& dir, const std::string& profile,
                                                const std::function<Result<std::vector<sock_filter>>()>& compile) {
  if (dir.empty()) return compile();
  std::string key = key_of(profile);
  std::string path = dir + "/" + name_of(key);
  if (std::vector<sock_filter> known = read(path, key); !known.empty()) return known;
  BERTH_TRY(std::vector<sock_filter> program, compile());
  write(dir, path, std::move(key), program);
  return program;
}

}  // namespace berth::runtime
