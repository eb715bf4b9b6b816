#include "git/checkout.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/text.h"
#include "sys/file.h"

namespace berth::git {
namespace {

constexpr int kMaxDepth = 256;

/// git refuses such names itself, but only where it is git that made the repository.
Status check_name(const std::string& name, const std::string& path) {
  bool escapes = name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos;
  if (!escapes && to_lower(name) != ".git") return {};
  return make_error(fmt::format("the repository has a file \"{}\", which it must not have", printable(path)));
}

Result<sys::UniqueFd> make_directory(sys::FdRef parent, const std::string& name, const std::string& path) {
  if (mkdirat(parent.get(), name.c_str(), 0755) != 0) return sys_error("make " + printable(path), errno);
  BERTH_TRY(sys::UniqueFd made, sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (fchmod(made.get(), 0755) != 0) return sys_error("make " + printable(path), errno);
  return made;
}

Result<Handle<git_blob>> blob_of(git_repository* repository, const git_tree_entry* entry) {
  git_blob* blob = nullptr;
  if (git_blob_lookup(&blob, repository, git_tree_entry_id(entry)) != 0) return failure("read a file");
  return Handle<git_blob>(blob);
}

std::string_view content_of(const git_blob* blob) {
  return {static_cast<const char*>(git_blob_rawcontent(blob)), static_cast<size_t>(git_blob_rawsize(blob))};
}

Status make_link(const git_blob* blob, sys::FdRef directory, const std::string& name) {
  std::string target(content_of(blob));
  if (target.empty() || target.size() >= PATH_MAX || target.find('\0') != std::string::npos)
    return make_error("a symbolic link that leads nowhere");
  if (symlinkat(target.c_str(), directory.get(), name.c_str()) != 0) return sys_error("symlink", errno);
  return {};
}

}  // namespace

Checkout::Checkout(git_repository* repository, const git_commit* commit, OnSubmodule on_submodule, uint64_t& files)
    : repository_(repository), commit_(commit), on_submodule_(std::move(on_submodule)), files_(files) {}

Status Checkout::write(const std::string& subdir, sys::FdRef directory) {
  git_tree* root = nullptr;
  if (git_commit_tree(&root, commit_) != 0) return failure("read the commit");
  Handle<git_tree> held(root);
  if (subdir.empty()) return write_tree(root, "", directory, 0);
  git_tree_entry* entry = nullptr;
  int found = git_tree_entry_bypath(&entry, root, subdir.c_str());
  Handle<git_tree_entry> held_entry(entry);
  if (found != 0 || git_tree_entry_type(entry) != GIT_OBJECT_TREE)
    return make_error(fmt::format("the repository has no directory \"{}\"", printable(subdir)));
  git_tree* tree = nullptr;
  if (git_tree_lookup(&tree, repository_, git_tree_entry_id(entry)) != 0) return failure("read " + printable(subdir));
  return write_tree(Handle<git_tree>(tree).get(), subdir, directory, 0);
}

std::string Checkout::text(const std::string& name) const {
  constexpr size_t kLimit = 1 << 20;
  git_tree* root = nullptr;
  if (git_commit_tree(&root, commit_) != 0) return {};
  Handle<git_tree> held(root);
  const git_tree_entry* entry = git_tree_entry_byname(root, name.c_str());
  if (entry == nullptr || git_tree_entry_type(entry) != GIT_OBJECT_BLOB ||
      git_tree_entry_filemode(entry) == GIT_FILEMODE_LINK) {
    return {};
  }
  Result<Handle<git_blob>> blob = blob_of(repository_, entry);
  if (!blob || content_of(blob->get()).size() > kLimit) return {};
  return std::string(content_of(blob->get()));
}

Status Checkout::write_tree(const git_tree* tree, const std::string& path, sys::FdRef directory, int depth) {
  if (depth > kMaxDepth) return make_error(fmt::format("{}: too deep", printable(path.substr(0, 200))));
  for (size_t i = 0; i < git_tree_entrycount(tree); ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree, i);
    std::string name = git_tree_entry_name(entry), inside = path.empty() ? name : path + "/" + name;
    BERTH_TRY_OK(check_name(name, inside));
    // A few small trees that name each other can stand for more files than any disk has room for.
    if (files_-- == 0) return make_error("the repository has too many files");
    BERTH_TRY_OK(write_entry(entry, inside, directory, depth));
    BERTH_TRY_OK(set_time(directory, name));
  }
  return {};
}

Status Checkout::write_entry(const git_tree_entry* entry, const std::string& path, sys::FdRef directory, int depth) {
  std::string name = git_tree_entry_name(entry);
  switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_TREE: {
      git_tree* tree = nullptr;
      if (git_tree_lookup(&tree, repository_, git_tree_entry_id(entry)) != 0) return failure("read " + printable(path));
      Handle<git_tree> held(tree);
      BERTH_TRY(sys::UniqueFd made, make_directory(directory, name, path));
      return write_tree(tree, path, made.ref(), depth + 1);
    }
    case GIT_FILEMODE_COMMIT: {
      BERTH_TRY(sys::UniqueFd made, make_directory(directory, name, path));
      return on_submodule_(path, *git_tree_entry_id(entry), made.ref());
    }
    case GIT_FILEMODE_LINK: {
      BERTH_TRY(Handle<git_blob> blob, blob_of(repository_, entry).context("{}", printable(path)));
      return make_link(blob.get(), directory, name).context("{}", printable(path));
    }
    default:
      return write_file(entry, path, directory);
  }
}

Status Checkout::write_file(const git_tree_entry* entry, const std::string& path, sys::FdRef directory) {
  BERTH_TRY(Handle<git_blob> blob, blob_of(repository_, entry).context("{}", printable(path)));
  git_blob_filter_options options = GIT_BLOB_FILTER_OPTIONS_INIT;
  options.flags =
      GIT_BLOB_FILTER_CHECK_FOR_BINARY | GIT_BLOB_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_BLOB_FILTER_ATTRIBUTES_FROM_COMMIT;
  options.attr_commit_id = *git_commit_id(commit_);
  git_buf filtered{};
  if (git_blob_filter(&filtered, blob.get(), path.c_str(), &options) != 0) return failure(printable(path));
  mode_t mode = git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644;
  auto write = [&]() -> Status {
    BERTH_TRY(sys::UniqueFd file,
              sys::open_at(directory, git_tree_entry_name(entry), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    BERTH_TRY_OK(sys::write_all(file.ref(), {filtered.ptr, filtered.size}));
    if (fchmod(file.get(), mode) != 0) return sys_error("chmod", errno);
    return {};
  };
  Status written = write().context("{}", printable(path));
  git_buf_dispose(&filtered);
  return written;
}

Status Checkout::set_time(sys::FdRef directory, const std::string& name) const {
  git_time_t seconds = std::max<git_time_t>(git_commit_time(commit_), 0);
  timespec times[2] = {{seconds, 0}, {seconds, 0}};
  if (utimensat(directory.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("set the time of " + printable(name), errno);
  return {};
}

}  // namespace berth::git
