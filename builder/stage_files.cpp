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
    BERTH_TRY(std::vector<Source> found,
              copy.add && dockerfile::is_remote_source(word) ? bring(word, copy, downloads) : find_sources(tree, word));
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
