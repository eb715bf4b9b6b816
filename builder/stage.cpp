#include "builder/stage.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "builder/merged_path.h"
#include "builder/stage_graph.h"
#include "builder/step_key.h"
#include "images/layer_sink.h"

namespace berth::builder {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

bool changes_files(const dockerfile::Instruction& instruction) {
  return std::holds_alternative<dockerfile::Run>(instruction.what) ||
         std::holds_alternative<dockerfile::Copy>(instruction.what) ||
         std::holds_alternative<dockerfile::Workdir>(instruction.what);
}

}  // namespace

StageBuild::StageBuild(const BuildRequest& request, const BuildParts& parts, const images::ImportLease& lease,
                       Stages& stages, Manner manner, Built base, Scope scope)
    : request_(request),
      parts_(parts),
      lease_(lease),
      stages_(stages),
      cache_(parts.store),
      manner_(std::move(manner)),
      state_(std::move(base)),
      scope_(std::move(scope)) {}

bool StageBuild::carry_out(const dockerfile::Instruction& instruction) {
  size_t errors = parts_.diagnostics.error_count();
  text_ = instruction.text;
  bool is_step = changes_files(instruction);
  for (const Text& source : sources_of(instruction)) {
    // Before the step begins: waiting is none of its time.
    if (!stages_.await(expanded(source)) || parts_.diagnostics.error_count() != errors) return false;
  }
  if (is_step) begin_step(instruction.text);
  Status done = std::visit([this](const auto& what) { return apply(what); }, instruction.what);
  if (done && parts_.diagnostics.error_count() == errors) return true;
  if (is_step) parts_.events.ended(step_text_, parts_.cancelled() ? StepEnd::cancelled : StepEnd::failed);
  if (!done) parts_.diagnostics.error(instruction.span, done.error().message(), done.error().hint);
  return false;
}

void StageBuild::begin_step(const std::string& text) {
  constexpr size_t kShown = 100;
  std::string first(trim(text.substr(0, text.find('\n'))));
  if (first.size() > kShown) first = first.substr(0, kShown) + "…";
  step_text_ = fmt::format("[{}{}/{}] {}", manner_.name.empty() ? "" : manner_.name + " ", ++step_, manner_.steps,
                           printable(first));
  parts_.events.begun(step_text_);
}

std::string StageBuild::expanded(const Text& text) const {
  return dockerfile::expand(text, {scope_.lookup(), request_.file.directives.escape, parts_.diagnostics});
}

std::vector<std::string> StageBuild::shell() const {
  return state_.config.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : state_.config.shell;
}

std::vector<std::string> StageBuild::command(const dockerfile::Command& command) const {
  if (command.exec_form) return command.words;
  std::vector<std::string> words = shell();
  words.push_back(command.words.front());
  return words;
}

std::string StageBuild::created() const {
  return format_rfc3339(request_.epoch ? *request_.epoch * kSecondNs : wall_clock_ns());
}

void StageBuild::add_history(const std::string& created_by, bool empty_layer, const std::string& when) {
  std::string created_at = when.empty() ? state_.config.created : when;
  state_.config.history.push_back({created_at, created_by, "", "", empty_layer});
}

Status StageBuild::add_layer(const images::Digest& key, const std::function<Result<images::StoredLayer>()>& make) {
  std::optional<images::CachedStep> step;
  if (!manner_.no_cache) step = cache_.find(key);
  bool cached = step.has_value();
  if (!cached) {
    auto make_and_keep = [&]() -> Result<images::CachedStep> {
      BERTH_TRY(images::StoredLayer layer, make());
      images::CachedStep made{layer.descriptor, layer.diff_id, created()};
      BERTH_TRY_OK(cache_.put(key, made));
      return made;
    };
    BERTH_TRY(SharedSteps::Step shared, parts_.share.steps.get(key, make_and_keep, parts_.cancelled));
    step = std::move(shared.step);
    cached = !shared.made_here;
  }
  state_.key = key;
  state_.layers.push_back(step->layer);
  state_.config.diff_ids.push_back(step->diff_id);
  // Overlayfs wants each directory once, and a second use of a layer counts where it is topmost.
  std::string directory = parts_.store.layer_path(step->diff_id);
  std::erase(state_.layer_dirs, directory);
  state_.layer_dirs.insert(state_.layer_dirs.begin(), directory);
  state_.config.created = std::max(state_.config.created, step->created);
  add_history(text_, false, step->created);
  parts_.events.ended(step_text_, cached ? StepEnd::cached : StepEnd::done);
  return {};
}

// --- values ---

Status StageBuild::apply(const dockerfile::Arg& arg) {
  for (const auto& one : arg.all) {
    std::optional<std::string> fallback;
    if (one.value) fallback = expanded(*one.value);
    scope_.declare(one.name.value, fallback);
  }
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Env& env) {
  // All of one ENV see the values from before it.
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [name, value] : env.all) values.emplace_back(expanded(name), expanded(value));
  for (const auto& [name, value] : values) scope_.set_env(name, value);
  state_.config.env = scope_.env();
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Label& label) {
  for (const auto& [name, value] : label.all) state_.config.labels[expanded(name)] = expanded(value);
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Cmd& cmd) {
  state_.config.cmd = command(cmd.command);
  cmd_is_own_ = true;
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Entrypoint& entrypoint) {
  state_.config.entrypoint = command(entrypoint.command);
  if (!cmd_is_own_) state_.config.cmd.clear();  // it was meant for the base's entrypoint
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Expose& expose) {
  std::vector<std::string>& ports = state_.config.exposed_ports;
  for (const Text& text : expose.ports) {
    dockerfile::Expansion how{scope_.lookup(), request_.file.directives.escape, parts_.diagnostics};
    for (const std::string& word : dockerfile::expand_words(text, how)) {
      BERTH_TRY(std::vector<std::string> more, exposed_ports(word));
      ports.insert(ports.end(), more.begin(), more.end());
    }
  }
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Healthcheck& check) {
  images::ImageHealthcheck result;
  if (check.none) {
    result.test = {"NONE"};
  } else {
    result.test = {check.command.exec_form ? "CMD" : "CMD-SHELL"};
    result.test.insert(result.test.end(), check.command.words.begin(), check.command.words.end());
  }
  const std::pair<const std::optional<Text>*, Duration*> kTimes[] = {{&check.interval, &result.interval},
                                                                     {&check.timeout, &result.timeout},
                                                                     {&check.start_period, &result.start_period},
                                                                     {&check.start_interval, &result.start_interval}};
  for (const auto& [text, value] : kTimes) {
    if (!*text) continue;
    BERTH_TRY(*value, go_duration((*text)->value));
  }
  if (check.retries) {
    std::optional<unsigned long long> retries = parse_unsigned(check.retries->value);
    if (!retries || *retries > 1'000'000) return make_error("--retries takes a number, not " + check.retries->value);
    result.retries = static_cast<int>(*retries);
  }
  state_.config.healthcheck = std::move(result);
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Maintainer& maintainer) {
  state_.config.author = maintainer.name.value;
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Shell& shell) {
  state_.config.shell = shell.words;
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::StopSignal& signal) {
  state_.config.stop_signal = expanded(signal.signal);
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::User& user) {
  state_.config.user = expanded(user.user);
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Volume& volume) {
  std::vector<std::string>& volumes = state_.config.volumes;
  for (const Text& text : volume.paths) {
    std::string path = expanded(text);
    if (path.empty()) return make_error("a volume needs a path");
    if (std::find(volumes.begin(), volumes.end(), path) == volumes.end()) volumes.push_back(std::move(path));
  }
  std::sort(volumes.begin(), volumes.end());
  add_history(text_, true);
  return {};
}

Status StageBuild::apply(const dockerfile::Onbuild& onbuild) {
  state_.config.onbuild.push_back(onbuild.text);
  add_history(text_, true);
  return {};
}

}  // namespace berth::builder
