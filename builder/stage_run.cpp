// RUN.

#include <fmt/core.h>

#include <cerrno>
#include <chrono>

#include "base/text.h"
#include "builder/mounts.h"
#include "builder/run.h"
#include "builder/scratch.h"
#include "builder/stage.h"
#include "builder/step_key.h"
#include "images/layer_adopt.h"
#include "runtime/binfmt.h"

namespace berth::builder {
namespace {

/// What the shell gets: the text, behind it the heredocs as the shell wants them. A heredoc alone is a script.
std::vector<std::string> run_words(const dockerfile::Command& command, const std::vector<std::string>& shell) {
  if (command.exec_form) return command.words;
  std::vector<std::string> words = shell;
  std::string text = command.words.front();
  bool only_heredoc = command.heredocs.size() == 1 && text.find_first_of(" \t") == std::string::npos;
  if (only_heredoc) {
    words.push_back(command.heredocs.front().content);
    return words;
  }
  for (const dockerfile::Heredoc& heredoc : command.heredocs) text += "\n" + heredoc.content + heredoc.delimiter.value;
  words.push_back(std::move(text));
  return words;
}

Error did_not_succeed(const std::vector<std::string>& words, int code) {
  std::string shown = printable(join(words, " "));
  constexpr size_t kShown = 200;
  if (shown.size() > kShown) shown = shown.substr(0, kShown) + "…";
  return make_error(fmt::format("process \"{}\" did not complete successfully: exit code: {}", shown, code));
}

/// The right to run one step, given back with this.
class RunSlot {
 public:
  /// Waits for it. Error ECANCELED.
  static Result<RunSlot> take(std::counting_semaphore<>& free, const std::function<bool()>& cancelled) {
    constexpr std::chrono::milliseconds kAskEvery{100};
    while (!free.try_acquire_for(kAskEvery)) {
      if (cancelled()) return sys_error("build", ECANCELED);
    }
    return RunSlot(free);
  }
  RunSlot(RunSlot&& other) noexcept : free_(std::exchange(other.free_, nullptr)) {}
  RunSlot& operator=(RunSlot&&) = delete;
  ~RunSlot() {
    if (free_ != nullptr) free_->release();
  }

 private:
  explicit RunSlot(std::counting_semaphore<>& free) : free_(&free) {}
  std::counting_semaphore<>* free_;
};

}  // namespace

Status StageBuild::apply(const dockerfile::Run& run) {
  bool insecure = run.security && expanded(*run.security) == "insecure";
  if (insecure && !request_.allow_insecure)
    return make_error("--security=insecure gives this step all of the host", "allow it with --allow security.insecure");
  std::string own_network = run.network ? expanded(*run.network) : "";
  if (own_network == "host" && request_.network != "host" && !request_.allow_host_network)
    return make_error("--network=host opens all services of the host to this step",
                      "allow it with --allow network.host");
  const std::string& network = own_network.empty() || own_network == "default" ? request_.network : own_network;
  struct Wanted {
    std::string type;
    Values options;
    SourceTree tree;
  };
  std::vector<Wanted> wanted;
  std::vector<std::string> words = run_words(run.command, shell());
  StepKey key(state_.key, "RUN");
  key.add(words)
      .add(scope_.run_env())
      .add(state_.config.working_dir)
      .add(state_.config.user)
      .add(network)
      .add(insecure ? "insecure" : "");
  for (const dockerfile::Mount& mount : run.mounts) {
    Values options;
    for (const auto& [name, value] : mount.options) options[name.value] = expanded(value);
    SourceTree tree = stages_.context();
    if (auto from = options.find("from"); from != options.end()) {
      BERTH_TRY(tree, stages_.tree(from->second, step_text_));
    }
    key.add(mount.type);
    for (const auto& [name, value] : options) key.add(name).add(value);
    if (mount.type == "bind") {
      BERTH_TRY(std::vector<Source> sources, find_sources(tree, options["source"]));
      for (const Source& source : sources) {
        images::Sha256 hash;
        BERTH_TRY_OK(hash_source(tree, source, hash));
        key.add(hash.digest().str());
      }
    }
    wanted.push_back({mount.type, std::move(options), std::move(tree)});
  }
  auto execute = [&]() -> Result<images::StoredLayer> {
    if (state_.layer_dirs.empty()) return make_error("there is nothing to run in an empty image (FROM scratch)");
    BERTH_TRY_OK(runtime::can_execute(state_.config.architecture));
    BERTH_TRY(Scratch scratch, Scratch::make(parts_.paths));
    RunMounts mounts(request_, parts_, scratch.path());
    for (const Wanted& one : wanted) {
      BERTH_TRY_OK(
          mounts.add(one.type, one.options, one.tree, state_.config.working_dir).context("--mount=type={}", one.type));
    }
    BERTH_TRY_OK(mounts.take_caches());
    BERTH_TRY(RunSlot slot, RunSlot::take(parts_.share.runs, parts_.cancelled));
    RunRequest process;
    process.args = words;
    process.env = scope_.run_env();
    process.env.insert(process.env.end(), mounts.env().begin(), mounts.env().end());
    process.cwd = state_.config.working_dir;
    process.user = state_.config.user;
    process.layers = state_.layer_dirs;
    process.scratch_dir = scratch.path();
    process.mounts = mounts.specs();
    BERTH_TRY(process.network, parts_.network(network));
    process.extra_hosts = request_.extra_hosts;
    process.shm_size = request_.shm_size;
    process.rlimits = request_.rlimits;
    process.privileged = insecure;
    auto output = [&](std::string_view bytes) { parts_.events.output(step_text_, bytes); };
    if (!process.network.notice.empty()) output(process.network.notice + "\n");
    BERTH_TRY(int code, builder::run(parts_.host, parts_.paths, process, output, parts_.cancelled));
    if (parts_.cancelled()) return sys_error("build", ECANCELED);
    if (code != 0) return did_not_succeed(words, code);
    return images::adopt_layer_diff(parts_.store, lease_, scratch.path() + "/upper", request_.epoch);
  };
  return add_layer(key.digest(), execute);
}

}  // namespace berth::builder
