#include "git/clone.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/text.h"
#include "git/checkout.h"
#include "git/fetch.h"
#include "git/modules.h"
#include "sys/file.h"
#include "sys/lock.h"

namespace berth::git {
namespace {

constexpr int kMaxNesting = 16;  // submodules of submodules
constexpr uint64_t kMaxFiles = 4'000'000;

/// "https://me:secret@host:1/x" → "https://host:1"; the token is for that and nothing else.
std::string origin_of(const std::string& url) {
  size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url.substr(0, url.find(':'));
  std::string host = url.substr(scheme + 3, url.find('/', scheme + 3) - scheme - 3);
  return url.substr(0, scheme + 3) + host.substr(host.rfind('@') + 1);
}

class Clone {
 public:
  explicit Clone(const CloneRequest& request) : request_(request), origin_(origin_of(request.remote.url)) {}

  Result<std::string> run() {
    BERTH_TRY(sys::UniqueFd directory, sys::open_file(request_.directory, O_RDONLY | O_DIRECTORY));
    const dockerfile::GitRemote& remote = request_.remote;
    if (request_.keep_git_dir && remote.subdir.empty()) return with_git_dir(directory.ref());
    return at(remote.url, remote.ref, remote.subdir, directory.ref(), 0);
  }

 private:
  [[nodiscard]] Access access_to(const std::string& url) const {
    return origin_of(url) == origin_ ? Access{request_.token, request_.header} : Access{};
  }

  Result<std::string> with_git_dir(sys::FdRef directory) {
    const dockerfile::GitRemote& remote = request_.remote;
    BERTH_TRY(Handle<git_repository> repository, open_repository(request_.directory, false));
    BERTH_TRY(Handle<git_commit> commit, fetch_commit(repository.get(), remote.url, remote.ref, access_to(remote.url)));
    BERTH_TRY_OK(describe(repository.get(), commit.get()));
    return write(repository.get(), commit.get(), remote.url, "", directory, 0);
  }

  /// Makes of what was fetched a working copy: HEAD, origin, and an index that knows the files.
  Status describe(git_repository* repository, const git_commit* commit) {
    git_index* index = nullptr;
    git_tree* tree = nullptr;
    git_remote* origin = nullptr;
    if (git_commit_tree(&tree, commit) != 0) return failure("read the commit");
    Handle<git_tree> held_tree(tree);
    if (git_repository_index(&index, repository) != 0) return failure("make an index");
    Handle<git_index> held(index);
    if (git_index_read_tree(index, tree) != 0 || git_index_write(index) != 0) return failure("make an index");
    std::string url = request_.remote.shown();  // a password does not belong into an image
    if (git_remote_create(&origin, repository, "origin", url.c_str()) != 0) return failure("name the origin");
    Handle<git_remote> held_origin(origin);
    if (git_repository_set_head_detached(repository, git_commit_id(commit)) != 0) return failure("set HEAD");
    return sys::remove_tree(request_.directory + "/.git/logs");  // who and when are of no interest
  }

  Result<std::string> at(const std::string& url, const std::string& ref, const std::string& subdir,
                         sys::FdRef directory, int nesting) {
    if (nesting > kMaxNesting) return make_error("submodules of submodules: too many of them");
    git_oid name;
    if (git_odb_hash(&name, url.data(), url.size(), GIT_OBJECT_BLOB) != 0) return failure("hash an address");
    std::string place = fmt::format("{}/{}", request_.repositories, hex(name));
    BERTH_TRY_OK(sys::make_dirs(request_.repositories, 0700));
    BERTH_TRY(Handle<git_repository> repository, open_repository(place, true));
    BERTH_TRY(Handle<git_commit> commit, fetch_alone(repository.get(), place, url, ref));
    return write(repository.get(), commit.get(), url, subdir, directory, nesting);
  }

  /// The lock is for the fetching only: a repository may be a submodule of itself.
  Result<Handle<git_commit>> fetch_alone(git_repository* repository, const std::string& place, const std::string& url,
                                         const std::string& ref) {
    BERTH_TRY(sys::FileLock lock, sys::FileLock::acquire(place + ".lock"));
    return fetch_commit(repository, url, ref, access_to(url));
  }

  Result<std::string> write(git_repository* repository, const git_commit* commit, const std::string& url,
                            const std::string& subdir, sys::FdRef directory, int nesting) {
    std::string id = hex(*git_commit_id(commit));
    if (nesting == 0 && !id.starts_with(request_.remote.checksum))
      return make_error(fmt::format("the commit is {}, not {}", id, request_.remote.checksum));
    std::map<std::string, std::string> modules;
    auto on_submodule = [&](const std::string& path, const git_oid& wanted, sys::FdRef place) -> Status {
      if (!request_.remote.submodules) return {};
      auto module = modules.find(path);
      if (module == modules.end())
        return make_error(fmt::format("submodule {}: .gitmodules does not say where it is", printable(path)));
      BERTH_TRY(std::string address, module_url(url, module->second).context("submodule {}", printable(path)));
      BERTH_TRY(std::string done,
                at(address, hex(wanted), "", place, nesting + 1).context("submodule {}", printable(path)));
      static_cast<void>(done);
      return {};
    };
    Checkout checkout(repository, commit, on_submodule, files_);
    modules = parse_modules(checkout.text(".gitmodules"));
    BERTH_TRY_OK(checkout.write(subdir, directory));
    return id;
  }

  const CloneRequest& request_;
  std::string origin_;
  uint64_t files_ = kMaxFiles;
};

}  // namespace

Result<std::string> clone(const CloneRequest& request) {
  Library library;
  return Clone(request).run();
}

}  // namespace berth::git
