#include "cli/build/contexts.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "builder/unpack.h"
#include "cli/prune.h"
#include "images/layer_unpack.h"
#include "images/load.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr std::string_view kImage = "docker-image://", kLayout = "oci-layout://";
constexpr size_t kDockerfileLimit = 16 << 20;

/// "DIRECTORY:TAG" or "DIRECTORY@DIGEST" behind oci-layout://.
std::pair<std::string, std::string> directory_and_image(const std::string& text) {
  size_t digest = text.find('@'), colon = text.rfind(':'), slash = text.rfind('/');
  if (digest != std::string::npos) return {text.substr(0, digest), text.substr(digest + 1)};
  bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  return tagged ? std::pair(text.substr(0, colon), text.substr(colon + 1)) : std::pair(text, std::string());
}

Status spool(sys::FdRef from, const std::string& path) {
  BERTH_TRY(sys::UniqueFd file, sys::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  images::ReadBlob read = images::read_blob_from(from, "standard input");
  for (;;) {
    BERTH_TRY(std::string_view bytes, read());
    if (bytes.empty()) return {};
    BERTH_TRY_OK(sys::write_all(file.ref(), bytes));
  }
}

}  // namespace

Result<std::string> Contexts::new_directory() {
  BERTH_TRY(builder::Scratch scratch, builder::Scratch::make(context_.paths));
  std::string path = scratch.path() + "/context";
  BERTH_TRY_OK(sys::make_dirs(path));
  std::lock_guard lock(mutex_);
  scratches_.push_back(std::move(scratch));
  return path;
}

Result<Contexts::Place> Contexts::own(const std::string& step) {
  if (job_.context == "-") return from_input();
  BERTH_TRY(std::optional<dockerfile::GitRemote> remote, dockerfile::parse_git_remote(job_.context));
  if (remote && !(remote->maybe_local && sys::exists(job_.context))) return from_repository(*remote, step);
  if (dockerfile::is_http(job_.context)) return from_url(step);
  if (!sys::exists(job_.context)) return make_error("there is no build context " + printable(job_.context));
  return Place{job_.context};
}

Result<Contexts::Place> Contexts::from_repository(const dockerfile::GitRemote& remote, const std::string& step) {
  BERTH_TRY(std::string directory, new_directory());
  auto wished = job_.args.find("BUILDKIT_CONTEXT_KEEP_GIT_DIR");
  bool keep = wished != job_.args.end() && wished->second && *wished->second != "0" && *wished->second != "false";
  BERTH_TRY(std::string commit, clone(remote, remote.keep_git_dir.value_or(keep), directory, step));
  static_cast<void>(commit);
  return Place{directory, true};
}

Result<Contexts::Place> Contexts::from_input() {
  BERTH_TRY(std::string directory, new_directory());
  std::string file = directory + ".input";
  BERTH_TRY_OK(spool(sys::FdRef(STDIN_FILENO), file));
  return archive_or_dockerfile(file, directory);
}

Result<Contexts::Place> Contexts::from_url(const std::string& step) {
  BERTH_TRY(std::string directory, new_directory());
  std::string file = directory + ".download";
  BERTH_TRY_OK(ways_.fetch(job_.context, file, step));
  return archive_or_dockerfile(file, directory);
}

Result<Contexts::Place> Contexts::archive_or_dockerfile(const std::string& file, const std::string& directory) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(file, O_RDONLY));
  if (builder::is_archive(fd.ref())) {
    BERTH_TRY_OK(builder::unpack_archive(fd.ref(), directory).context("the build context"));
    return Place{directory, true};
  }
  BERTH_TRY(std::string text, sys::read_all(fd.ref(), kDockerfileLimit));
  if (text.find('\0') != std::string::npos)
    return make_error("the build context is neither an archive nor a Dockerfile",
                      "archives are tar files: plain, or packed by gzip, zstd, xz or bzip2");
  return Place{directory, true, std::move(text)};
}

Result<builder::NamedContext> Contexts::named(const std::string& value, const std::optional<images::Platform>& platform,
                                              const std::string& step) {
  if (value.starts_with(kImage)) {
    BERTH_TRY(images::Image image, ways_.image(value.substr(kImage.size()), platform, step));
    return builder::NamedContext{"", std::move(image)};
  }
  std::string key = value + " " + (platform ? platform->str() : "");
  {
    std::lock_guard lock(mutex_);
    if (auto known = named_.find(key); known != named_.end()) return known->second;
  }
  BERTH_TRY(builder::NamedContext context, bring(value, platform, step));
  std::lock_guard lock(mutex_);
  return named_.insert_or_assign(key, std::move(context)).first->second;
}

Result<builder::NamedContext> Contexts::bring(const std::string& value, const std::optional<images::Platform>& platform,
                                              const std::string& step) {
  if (value.starts_with(kLayout)) {
    auto [path, which] = directory_and_image(value.substr(kLayout.size()));
    BERTH_TRY(images::Image image,
              images::load_oci_image(store_, path, which, platform.value_or(images::host_platform())));
    return builder::NamedContext{"", std::move(image)};
  }
  BERTH_TRY(std::optional<dockerfile::GitRemote> remote, dockerfile::parse_git_remote(value));
  if (remote && !(remote->maybe_local && sys::exists(value))) {
    BERTH_TRY(Place place, from_repository(*remote, step));
    return builder::NamedContext{place.directory, std::nullopt};
  }
  if (dockerfile::is_http(value)) {
    std::string path = value.substr(0, value.find_first_of("?#")), name = path.substr(path.rfind('/') + 1);
    if (name.empty() || name == "." || name == "..")
      return make_error(fmt::format("\"{}\": the URL names no file", printable(value)));
    BERTH_TRY(std::string directory, new_directory());
    BERTH_TRY_OK(ways_.fetch(value, directory + "/" + name, step));
    return builder::NamedContext{directory, std::nullopt};
  }
  if (sys::exists(value)) return builder::NamedContext{value, std::nullopt};
  bool schemed = value.find("://") != std::string::npos || value.starts_with("target:");
  return make_error(fmt::format("there is no build context \"{}\"", printable(value)),
                    schemed
                        ? "expected a directory, docker-image://, oci-layout://, the address of a git repository or "
                          "a URL"
                        : "");
}

Result<std::string> Contexts::clone(const dockerfile::GitRemote& remote, bool keep_git_dir,
                                    const std::string& directory, const std::string& step) {
  git::CloneRequest request;
  request.remote = remote;
  request.repositories = repositories(context_);
  request.directory = directory;
  request.keep_git_dir = keep_git_dir;
  size_t host = remote.url.find("://");
  std::string name = host == std::string::npos ? "" : remote.url.substr(host + 3);
  name = name.substr(0, name.find('/'));
  name = name.substr(name.rfind('@') + 1);
  for (const std::string& id : {"GIT_AUTH_TOKEN." + name, std::string("GIT_AUTH_TOKEN")}) {
    if (request.token.empty()) request.token = secret(id);
  }
  for (const std::string& id : {"GIT_AUTH_HEADER." + name, std::string("GIT_AUTH_HEADER")}) {
    if (request.header.empty()) request.header = secret(id);
  }
  auto agent = job_.ssh.find("default");
  std::string socket = agent == job_.ssh.end() || agent->second.empty() ? sys::environment_variable("SSH_AUTH_SOCK") : agent->second;
  return ways_.clone(request, socket, step);
}

/// Without the line end that files have; empty if there is none.
std::string Contexts::secret(const std::string& id) const {
  auto found = job_.secrets.find(id);
  if (found == job_.secrets.end()) return {};
  const BuildJob::SecretSource& source = found->second;
  if (source.content) return std::string(trim(*source.content));
  if (!source.variable.empty()) return sys::environment_variable(source.variable.c_str());
  Result<std::string> text = sys::read_file(source.file, 512 << 10);
  return text ? std::string(trim(*text)) : "";
}

Result<std::string> Contexts::download_text(const std::string& url) {
  BERTH_TRY(std::string directory, new_directory());
  BERTH_TRY_OK(ways_.fetch(url, directory + ".text", ""));
  return sys::read_file(directory + ".text", kDockerfileLimit);
}

}  // namespace berth::cli
