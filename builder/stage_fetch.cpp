// ADD from the network.

#include <fcntl.h>
#include <fmt/core.h>

#include "base/text.h"
#include "builder/scratch.h"
#include "builder/stage.h"
#include "dockerfile/git_remote.h"
#include "images/layer_unpack.h"
#include "sys/file.h"

namespace berth::builder {
namespace {

/// The last part of the URL's path.
Result<std::string> file_name_of(const std::string& url) {
  std::string path = url.substr(0, url.find_first_of("?#"));
  std::string name = path.substr(path.rfind('/') + 1);
  bool has_path = path.find('/', path.find("://") + 3) != std::string::npos;
  if (!has_path || name.empty() || name == "." || name == "..")
    return make_error(fmt::format("ADD of \"{}\": the URL names no file", printable(url)));
  return name;
}

Status check_sum(const std::string& file, const std::string& wanted) {
  BERTH_TRY(images::Digest expected, images::Digest::parse(wanted).context("--checksum"));
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(file, O_RDONLY));
  images::ReadBlob read = images::read_blob_from(fd.ref(), file);
  images::Sha256 hash;
  for (;;) {
    BERTH_TRY(std::string_view bytes, read());
    if (bytes.empty()) break;
    hash.update(bytes);
  }
  if (hash.digest() == expected) return {};
  return make_error(fmt::format("the file's checksum is {}, not {}", hash.digest().str(), wanted));
}

}  // namespace

Result<std::vector<Source>> StageBuild::bring(const std::string& word, const dockerfile::Copy& copy,
                                              std::optional<Scratch>& downloads) {
  if (!downloads) {
    BERTH_TRY(Scratch scratch, Scratch::make(parts_.paths));
    downloads.emplace(std::move(scratch));
  }
  // A directory for each, so that two files of one name do not meet.
  std::string directory = downloads->path() + "/" + sys::random_hex(8);
  BERTH_TRY_OK(sys::make_dirs(directory, 0700));
  BERTH_TRY(std::optional<dockerfile::GitRemote> remote, dockerfile::parse_git_remote(word).context("ADD"));
  BERTH_TRY(Source source, remote ? clone(std::move(*remote), copy, directory) : download(word, copy, directory));
  source.from_elsewhere = true;
  std::vector<Source> sources;
  sources.push_back(std::move(source));
  return sources;
}

Result<Source> StageBuild::clone(dockerfile::GitRemote remote, const dockerfile::Copy& copy,
                                 const std::string& directory) {
  constexpr const char* kTree = "repository";
  if (copy.checksum) remote.checksum = expanded(*copy.checksum);
  if (copy.unpack) return make_error("--unpack: a repository is no archive");
  bool keep = copy.keep_git_dir || remote.keep_git_dir.value_or(false);
  BERTH_TRY_OK(sys::make_dirs(directory + "/" + kTree));
  BERTH_TRY(std::string commit, parts_.clone(remote, keep, directory + "/" + kTree, step_text_));
  BERTH_TRY(Found found, find_path({directory}, kTree, false));
  Source source{"", std::move(found)};
  source.identity = fmt::format("git {} {} {}", commit, remote.subdir, remote.submodules ? remote.url : "");
  if (keep) source.identity += " with .git of " + remote.shown();
  return source;
}

Result<Source> StageBuild::download(const std::string& url, const dockerfile::Copy& copy,
                                    const std::string& directory) {
  if (copy.keep_git_dir)
    return make_error(fmt::format("--keep-git-dir: \"{}\" is no git repository", printable(url)),
                      "the address of one ends in .git");
  BERTH_TRY(std::string name, file_name_of(url));
  BERTH_TRY_OK(parts_.fetch(url, directory + "/" + name, step_text_));
  BERTH_TRY(Found found, find_path({directory}, name, false));
  if (copy.checksum) BERTH_TRY_OK(check_sum(directory + "/" + name, expanded(*copy.checksum)));
  Source source{name, std::move(found)};
  source.keep_packed = !copy.unpack.value_or(false);
  return source;
}

}  // namespace berth::builder
