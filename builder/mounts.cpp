#include "builder/mounts.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>

#include "base/text.h"
#include "builder/merged_path.h"
#include "images/digest.h"
#include "sys/file.h"
#include "volumes/copy_tree.h"

namespace berth::builder {
namespace {

std::string option(const Values& options, std::string_view name, std::string fallback = {}) {
  auto found = options.find(name);
  return found == options.end() ? std::move(fallback) : found->second;
}

bool is_on(const Values& options, std::string_view name) {
  std::string value = to_lower(option(options, name));
  return value == "true" || value == "1";
}

Result<mode_t> mode_of(const Values& options, const char* fallback) {
  std::string text = option(options, "mode", fallback);
  if (text.empty() || text.find_first_not_of("01234567") != std::string::npos || text.size() > 5)
    return make_error(fmt::format("mode={}: expected an octal number", printable(text)));
  return static_cast<mode_t>(std::stoul(text, nullptr, 8));
}

Result<unsigned> id_of(const Values& options, const char* name) {
  std::string text = option(options, name, "0");
  std::optional<unsigned long long> id = parse_unsigned(text);
  if (!id || *id > 0x7fffffff) return make_error(fmt::format("{}={}: expected a number", name, printable(text)));
  return static_cast<unsigned>(*id);
}

runtime::BindMount bind_at(const std::string& source, const std::string& target, bool read_only) {
  runtime::BindMount mount;
  mount.source = source;
  mount.target = target;
  mount.read_only = read_only;
  return mount;
}

/// The file at `path` of the tree that is mounted at `root`, links followed inside it.
Result<std::string> inside(const SourceTree& tree, const std::string& root, const std::string& path) {
  BERTH_TRY(Found found, find_path(tree.layers, path, true));
  if (!found.exists()) return make_error(fmt::format("\"{}\" is not in {}", printable(path), tree.name));
  return found.path.empty() ? root : root + "/" + found.path;
}

}  // namespace

RunMounts::~RunMounts() {
  for (auto place = mounted_.rbegin(); place != mounted_.rend(); ++place) umount2(place->c_str(), MNT_DETACH);
}

Status RunMounts::add(const std::string& type, const Values& options, const SourceTree& tree,
                      const std::string& working_dir) {
  std::string target = option(options, "target");
  if (!target.empty() && !target.starts_with('/')) target = working_dir + "/" + target;
  if (type == "bind") return add_bind(options, tree, target);
  if (type == "cache") return add_cache(options, tree, target);
  if (type == "secret") return add_secret(options);
  if (type == "ssh") return add_ssh(options);
  runtime::TmpfsMount tmpfs;
  tmpfs.target = target;
  tmpfs.options = {"exec"};
  if (std::string size = option(options, "size"); !size.empty()) {
    std::optional<unsigned long long> bytes = parse_unsigned(size);
    if (!bytes) return make_error(fmt::format("size={}: expected bytes", printable(size)));
    tmpfs.size = *bytes;
  }
  specs_.emplace_back(std::move(tmpfs));
  return {};
}

Status RunMounts::add_bind(const Values& options, const SourceTree& tree, const std::string& target) {
  bool writable = is_on(options, "rw");  // what is written is thrown away
  BERTH_TRY(std::string root, mounted_tree(tree, writable));
  BERTH_TRY(std::string source, inside(tree, root, option(options, "source")));
  specs_.emplace_back(bind_at(source, target, !writable));
  return {};
}

/// One directory for an id, kept from build to build. With `from`, one for each content that it begins with.
Status RunMounts::add_cache(const Values& options, const SourceTree& tree, const std::string& target) {
  constexpr std::pair<const char*, Cache::Sharing> kSharing[] = {
      {"shared", Cache::Sharing::shared}, {"private", Cache::Sharing::own}, {"locked", Cache::Sharing::locked}};
  std::string id = option(options, "id", target), word = option(options, "sharing", "shared");
  auto sharing = std::find_if(std::begin(kSharing), std::end(kSharing), [&](auto& one) { return word == one.first; });
  if (sharing == std::end(kSharing))
    return make_error(fmt::format("sharing={}: expected shared, private or locked", printable(word)));
  Cache cache{sharing->second, {}, specs_.size(), 0, 0, 0, {}, {}};
  if (options.contains("from")) {
    cache.seed = tree;
    cache.seed_path = option(options, "source", "/");
    id += fmt::format("\n{}\n{}", cache.seed_path, join(tree.layers, ":"));
  }
  cache.directory = parts_.paths.root + "/build/caches/" + images::sha256_of(id).hex().substr(0, 32);
  BERTH_TRY(cache.mode, mode_of(options, "0755"));
  BERTH_TRY(cache.uid, id_of(options, "uid"));
  BERTH_TRY(cache.gid, id_of(options, "gid"));
  specs_.emplace_back(bind_at(cache.directory, target, is_on(options, "ro")));
  caches_.push_back(std::move(cache));
  return {};
}

Status RunMounts::take_caches() {
  // All steps wait in the same order, and while they hold nothing else: no two of them wait for each other.
  std::set<std::string> locked;
  for (const Cache& cache : caches_) {
    BERTH_TRY_OK(sys::make_dirs(cache.directory.substr(0, cache.directory.rfind('/')), 0700));
    if (cache.sharing == Cache::Sharing::locked) locked.insert(cache.directory + ".lock");
  }
  for (const std::string& file : locked) {
    constexpr useconds_t kPauseUs = 50'000;
    Result<sys::FileLock> lock = sys::FileLock::try_acquire(file);
    for (; !lock && lock.error().code == EWOULDBLOCK; lock = sys::FileLock::try_acquire(file)) {
      if (parts_.cancelled()) return sys_error("build", ECANCELED);
      usleep(kPauseUs);
    }
    if (!lock) return std::move(lock).error();
    locks_.push_back(std::move(lock).value());
  }
  for (const Cache& cache : caches_) {
    std::string directory = cache.directory;
    if (cache.sharing == Cache::Sharing::own) {
      BERTH_TRY(directory, own_directory(directory));
      std::get<runtime::BindMount>(specs_[cache.spec]).source = directory;
    }
    if (!sys::exists(directory)) BERTH_TRY_OK(make_cache(cache, directory));
  }
  return {};
}

/// Whole or not at all: others may look for it meanwhile, and make it as well.
Status RunMounts::make_cache(const Cache& cache, const std::string& directory) {
  const std::string made = directory + ".tmp-" + sys::random_hex(8);
  auto make = [&]() -> Status {
    BERTH_TRY_OK(sys::make_dirs(made, cache.mode));
    if (cache.seed) {
      BERTH_TRY(std::optional<volumes::MergedDir> source, volumes::find_directory(cache.seed->layers, cache.seed_path));
      if (!source)
        return make_error(fmt::format("\"{}\" is no directory of {}", printable(cache.seed_path), cache.seed->name));
      BERTH_TRY(sys::UniqueFd target, sys::open_file(made, O_RDONLY | O_DIRECTORY));
      BERTH_TRY_OK(volumes::copy_tree(*source, target.ref()));
    }
    if (chown(made.c_str(), cache.uid, cache.gid) != 0 || chmod(made.c_str(), cache.mode) != 0)
      return sys_error("set the owner of " + made, errno);
    if (rename(made.c_str(), directory.c_str()) != 0 && errno != ENOTEMPTY && errno != EEXIST)
      return sys_error("make cache " + directory, errno);
    return {};
  };
  Status done = make();
  (void)sys::remove_tree(made);  // nothing, mostly: it has its name by now
  return done;
}

/// The cache's, or another one's while somebody else has it.
Result<std::string> RunMounts::own_directory(const std::string& directory) {
  for (int number = 0;; ++number) {
    std::string place = number == 0 ? directory : fmt::format("{}-{}", directory, number);
    Result<sys::FileLock> lock = sys::FileLock::try_acquire(place + ".lock");
    if (!lock && lock.error().code == EWOULDBLOCK) continue;
    if (!lock) return std::move(lock).error();
    locks_.push_back(std::move(lock).value());
    return place;
  }
}

Status RunMounts::add_secret(const Values& options) {
  std::string id = option(options, "id"), target = option(options, "target"), variable = option(options, "env");
  if (id.empty()) id = target.substr(target.rfind('/') + 1);
  auto secret = request_.secrets.find(id);
  if (secret == request_.secrets.end()) {
    if (!is_on(options, "required")) return {};
    return make_error(fmt::format("the build was given no secret \"{}\"", printable(id)),
                      "--secret id=" + id + ",src=FILE");
  }
  std::string content;
  if (secret->second.value) {
    content = *secret->second.value;
  } else {
    BERTH_TRY(content, sys::read_file(secret->second.file, 512 << 10).context("secret {}", id));
  }
  if (!variable.empty()) env_.push_back(variable + "=" + content);
  if (!variable.empty() && target.empty()) return {};
  if (target.empty()) target = "/run/secrets/" + id;
  BERTH_TRY(mode_t mode, mode_of(options, "0400"));
  BERTH_TRY(unsigned uid, id_of(options, "uid"));
  BERTH_TRY(unsigned gid, id_of(options, "gid"));
  BERTH_TRY(std::string directory, memory_directory());
  std::string file = fmt::format("{}/{}", directory, count_++);
  BERTH_TRY_OK(sys::write_file_atomic(file, content, sys::Durability::none, mode));
  if (chown(file.c_str(), uid, gid) != 0 || chmod(file.c_str(), mode) != 0)
    return sys_error("set the owner of a secret", errno);
  specs_.emplace_back(bind_at(file, target, true));
  return {};
}

Status RunMounts::add_ssh(const Values& options) {
  std::string id = option(options, "id", "default");
  std::string target = option(options, "target", fmt::format("/run/buildkit/ssh_agent.{}", count_++));
  auto agent = request_.ssh.find(id);
  if (agent == request_.ssh.end()) {
    if (!is_on(options, "required")) return {};
    return make_error(fmt::format("the build was given no SSH agent \"{}\"", printable(id)), "--ssh " + id);
  }
  specs_.emplace_back(bind_at(agent->second, target, false));
  env_.push_back("SSH_AUTH_SOCK=" + target);
  return {};
}

/// The tree as one directory. Of a single one that is only read, that is itself.
Result<std::string> RunMounts::mounted_tree(const SourceTree& tree, bool writable) {
  if (tree.layers.empty()) return make_error(tree.name + " is empty");
  if (tree.layers.size() == 1 && !writable) return tree.layers.front();
  std::string place = fmt::format("{}/tree{}", scratch_, count_++);
  BERTH_TRY_OK(sys::make_dirs(place, 0755));
  std::vector<sys::UniqueFd> open;
  std::string lower;
  for (const std::string& layer : tree.layers) {
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(layer, O_PATH | O_DIRECTORY));
    lower += fmt::format("{}/proc/self/fd/{}", lower.empty() ? "" : ":", fd.get());
    open.push_back(std::move(fd));
  }
  std::string options = "lowerdir=" + lower;
  if (writable || tree.layers.size() == 1) {
    BERTH_TRY_OK(sys::make_dirs(place + ".upper", 0755));
    BERTH_TRY_OK(sys::make_dirs(place + ".work", 0755));
    options += fmt::format(",upperdir={0}.upper,workdir={0}.work", place);
  }
  if (mount("overlay", place.c_str(), "overlay", 0, options.c_str()) != 0)
    return sys_error("mount " + tree.name, errno);
  mounted_.push_back(place);
  return place;
}

/// For secrets: never on a disk.
Result<std::string> RunMounts::memory_directory() {
  if (!memory_.empty()) return memory_;
  std::string place = scratch_ + "/memory";
  BERTH_TRY_OK(sys::make_dirs(place, 0700));
  if (mount("tmpfs", place.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") != 0)
    return sys_error("mount a tmpfs for secrets", errno);
  mounted_.push_back(place);
  return memory_ = place;
}

}  // namespace berth::builder
