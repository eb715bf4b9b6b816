#include "cli/build/dockerfile_text.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "dockerfile/git_remote.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr size_t kLimit = 16 << 20;

/// A file of the context. In one that somebody else has made, links lead nowhere else: an image must not show what only
/// we may read.
Result<std::string> read_in(const Contexts::Place& place, const std::string& path, size_t limit) {
  if (!place.foreign) return sys::read_file(path.starts_with('/') ? path : place.directory + "/" + path, limit);
  BERTH_TRY(sys::UniqueFd root, sys::open_file(place.directory, O_RDONLY | O_DIRECTORY));
  BERTH_TRY(sys::UniqueFd file, sys::open_in_root(root.ref(), path, O_RDONLY | O_NONBLOCK));
  return sys::read_all(file.ref(), limit);
}

Error not_there(const Contexts::Place& place, const std::string& name) {
  std::string where = place.foreign ? "the build context" : printable(place.directory);
  Error error = make_error(fmt::format("there is no {} in {}", printable(name), where));
  Result<std::vector<std::string>> there = sys::list_dir(place.directory);
  std::optional<std::string> near = there ? nearest(name, *there) : std::nullopt;
  if (near) error.hint = fmt::format("did you mean {}?", printable(*near));
  return error;
}

}  // namespace

Result<DockerfileText> read_dockerfile(const BuildJob& job, const Contexts::Place& place, Contexts& contexts) {
  if (job.inline_file) return DockerfileText{"dockerfile_inline", "", *job.inline_file};
  if (job.dockerfile == "-" && job.context == "-")
    return make_error("standard input cannot be both the build context and the Dockerfile");
  if (place.dockerfile) {
    if (job.dockerfile.empty()) return DockerfileText{"Dockerfile", "", *place.dockerfile};
    return make_error("the build context is itself a Dockerfile", "leave -f out");
  }
  if (job.dockerfile == "-") {
    BERTH_TRY(std::string text, sys::read_all(sys::FdRef(STDIN_FILENO), kLimit));
    return DockerfileText{"Dockerfile", "", std::move(text)};
  }
  if (dockerfile::is_http(job.dockerfile)) {
    BERTH_TRY(std::string text, contexts.download_text(job.dockerfile));
    return DockerfileText{"Dockerfile", "", std::move(text)};
  }
  std::string name = job.dockerfile.empty() ? "Dockerfile" : job.dockerfile;
  Result<std::string> text = read_in(place, name, kLimit);
  if (text) return DockerfileText{name, name, std::move(text).value()};
  if (text.error().code != ENOENT) return std::move(text).error();
  return not_there(place, name);
}

dockerfile::IgnoreRules read_ignore_rules(const Contexts::Place& place, const DockerfileText& file,
                                          Diagnostics& diagnostics) {
  for (const std::string& path : {file.path.empty() ? "" : file.path + ".dockerignore", std::string(".dockerignore")}) {
    if (path.empty()) continue;
    Result<std::string> text = read_in(place, path, 1 << 20);
    if (text) return dockerfile::IgnoreRules::parse(path.substr(path.rfind('/') + 1), *text, diagnostics);
  }
  return {};
}

}  // namespace berth::cli
