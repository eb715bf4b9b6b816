// COPY, ADD and WORKDIR.

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "base/text.h"
#include "builder/copy.h"
#include "builder/scratch.h"
#include "builder/stage.h"
#include "builder/step_key.h"
#include "images/layer_unpack.h"
#include "runtime/user.h"
#include "sys/file.h"

namespace berth::builder {
namespace {

bool is_git(const std::string& source) {
  bool other_scheme = source.starts_with("git@") || source.starts_with("git://") || source.starts_with("ssh://");
  return other_scheme || source.substr(0, source.find('#')).ends_with(".git");
}

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

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

std::string absolute(const std::string& path, const std::string& working_dir) {
  if (path.starts_with('/')) return path;
  return (working_dir.empty() ? "/" : working_dir + "/") + path;
}

}  // namespace

Result<SourceTree> StageBuild::source_of(const dockerfile::Copy& copy) {
  if (!copy.from) return stages_.context();
  return stages_.tree(expanded(*copy.from), step_text_);
}

Status StageBuild::take_owner(const std::string& chown, CopyRequest& request) const {
  if (chown.empty()) return {};
  BERTH_TRY(runtime::ResolvedUser user,
            runtime::resolve_user(chown, {}, state_.layer_dirs).context("--chown={}", chown));
  request.changes.uid = user.uid;
  // A number without a group means the group of the same number.
  bool lone_number = parse_unsigned(chown).has_value();
  request.changes.gid = lone_number ? user.uid : user.gid;
  return {};
}

Result<images::StoredLayer> StageBuild::store_copy(const SourceTree& tree, const CopyRequest& request) {
  BERTH_TRY(images::LayerSink sink, images::LayerSink::begin(parts_.store, lease_, {}));
  images::TarWriter tar([&](std::string_view bytes) -> Status {
    if (parts_.cancelled()) return sys_error("build", ECANCELED);
    return sink.write(bytes);
  });
  BERTH_TRY_OK(write_copy(tree, state_.layer_dirs, request, tar));
  return sink.finish();
}

/// Downloads into a directory of the URL's own, so that two files of one name do not meet.
Result<std::vector<Source>> StageBuild::fetch(const std::string& url, const dockerfile::Copy& copy,
                                              std::optional<Scratch>& downloads) {
  BERTH_TRY(std::string name, file_name_of(url));
  if (!downloads) {
    BERTH_TRY(Scratch scratch, Scratch::make(parts_.paths));
    downloads.emplace(std::move(scratch));
  }
  SourceTree tree;
  tree.name = "what was downloaded";
  tree.keeps_owners = false;
  tree.layers = {downloads->path() + "/" + sys::random_hex(8)};
  BERTH_TRY_OK(sys::make_dirs(tree.layers.front(), 0700));
  BERTH_TRY_OK(parts_.fetch(url, tree.layers.front() + "/" + name, step_text_));
  BERTH_TRY(Found found, find_path(tree.layers, name, false));
  if (copy.checksum) BERTH_TRY_OK(check_sum(tree.layers.front() + "/" + name, expanded(*copy.checksum)));
  std::vector<Source> sources;
  sources.push_back({name, std::move(found), true});
  return sources;
}

Status StageBuild::apply(const dockerfile::Copy& copy) {
  CopyRequest request;
  BERTH_TRY(SourceTree tree, source_of(copy));
  for (const Text& text : copy.exclude) {
    BERTH_TRY(dockerfile::PathPattern pattern,
              dockerfile::PathPattern::parse(dockerfile::clean_path(expanded(text)), true));
    tree.excluded.push_back(std::move(pattern));
  }
  request.destination = absolute(expanded(copy.destination), state_.config.working_dir);
  request.unpack = copy.add && copy.unpack.value_or(true);
  request.parents = copy.parents;
  request.now = request_.epoch.value_or(wall_clock_ns() / 1'000'000'000);
  request.changes.latest_mtime = request_.epoch;
  if (!tree.keeps_owners) {
    request.changes.uid = request.changes.gid = 0;
    request.changes.no_xattrs = true;
  }
  std::string chown = copy.chown ? expanded(*copy.chown) : "", chmod = copy.chmod ? expanded(*copy.chmod) : "";
  BERTH_TRY_OK(take_owner(chown, request));
  if (!chmod.empty()) {
    BERTH_TRY(request.changes.mode, mode_change(chmod));
  }
  std::optional<Scratch> downloads;
  StepKey key(state_.key, copy.add ? "ADD" : "COPY");
  key.add(request.destination).add(chmod);
  key.add(fmt::format("{}:{}", request.changes.uid.value_or(0), request.changes.gid.value_or(0)));
  key.add(fmt::format("{}{}", request.unpack, request.parents));
  for (const Text& text : copy.sources) {
    std::string word = expanded(text);
    if (copy.add && is_git(word))
      return make_error(fmt::format("ADD of \"{}\": git repositories are not supported yet", printable(word)),
                        "clone it in a RUN, or before the build");
    std::vector<Source> found;
    if (copy.add && is_url(word)) {
      BERTH_TRY(found, fetch(word, copy, downloads));
    } else {
      BERTH_TRY(found, find_sources(tree, word));
    }
    for (Source& source : found) {
      images::Sha256 hash;
      BERTH_TRY_OK(hash_source(tree, source, hash));
      key.add(source.path).add(hash.digest().str());
      request.sources.push_back(std::move(source));
    }
  }
  for (const dockerfile::Heredoc& heredoc : copy.heredocs) {
    std::string content = heredoc.content;
    if (heredoc.expand)
      content = dockerfile::expand({content, heredoc.span}, {scope_.lookup(), '\\', parts_.diagnostics, true});
    key.add(heredoc.delimiter.value).add(content);
    request.inline_files.push_back({heredoc.delimiter.value, std::move(content)});
  }
  return add_layer(key.digest(), [&] { return store_copy(tree, request); });
}

Status StageBuild::apply(const dockerfile::Workdir& workdir) {
  std::string path = "/" + dockerfile::clean_path(absolute(expanded(workdir.path), state_.config.working_dir));
  state_.config.working_dir = path;
  BERTH_TRY(Found found, find_path(state_.layer_dirs, path, true));
  if (found.is_directory()) {
    add_history(text_, true);
    parts_.events.ended(step_text_, StepEnd::cached);
    return {};
  }
  CopyRequest request;
  request.destination = path + "/";
  request.now = request_.epoch.value_or(wall_clock_ns() / 1'000'000'000);
  // Who works there owns it. A user whom the image does not know is told of where a process is to run.
  if (!take_owner(state_.config.user, request)) request.changes = {};
  StepKey key(state_.key, "WORKDIR");
  key.add(path).add(fmt::format("{}:{}", request.changes.uid.value_or(0), request.changes.gid.value_or(0)));
  SourceTree nothing;
  return add_layer(key.digest(), [&] { return store_copy(nothing, request); });
}

}  // namespace berth::builder
