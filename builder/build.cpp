#include "builder/build.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "base/clock.h"
#include "base/text.h"
#include "builder/annotate.h"
#include "builder/stage.h"
#include "builder/stage_graph.h"
#include "builder/step_key.h"
#include "builder/tasks.h"
#include "dockerfile/parse.h"
#include "images/manifest.h"
#include "images/reference.h"

namespace berth::builder {
namespace {

using dockerfile::Instruction;
using dockerfile::Stage;

/// Takes over what is said of a stage.
void append(const Diagnostics& from, Diagnostics& into) {
  for (const auto& [name, source] : from.sources()) into.remember_source(name, source);
  for (const Diagnostic& one : from.all()) {
    if (one.severity == Severity::error) into.error(one.span, one.message, one.suggestion);
    if (one.severity == Severity::warning) into.warning(one.span, one.message, one.suggestion);
    if (one.severity == Severity::note) into.note(one.span, one.message);
  }
}

/// "alpine", "alpine:latest" and "docker.io/library/alpine" are one name.
std::string context_key(const std::string& name) {
  constexpr std::string_view kLatest = ":latest";
  std::string key = images::familiar_name(name);
  return key.ends_with(kLatest) ? key.substr(0, key.size() - kLatest.size()) : key;
}

/// The stages of one Dockerfile. Each has a thread, which waits for another stage where it needs that stage's files;
/// the first mistake or failing step ends all of them.
class Build {
 public:
  Build(const BuildRequest& request, const BuildParts& parts, const images::ImportLease& lease)
      : request_(request),
        parts_(parts),
        lease_(lease),
        given_{request.build_args, request.platform.value_or(images::host_platform()), images::host_platform(),
               request.target},
        global_(given_),
        diagnostics_(request.file.stages.size()),
        built_(request.file.stages.size()),
        tasks_(request.file.stages.size(), [this](size_t index) { stage(index); }) {
    context_.name = "the build context";
    context_.layers = {request.context};
    context_.ignore = &request.ignore;
    context_.keeps_owners = false;
    for (const auto& [name, value] : request.named_contexts) contexts_[context_key(name)] = value;
  }

  std::optional<images::Image> run() {
    for (const Instruction& instruction : request_.file.global_args) {
      for (const auto& one : std::get<dockerfile::Arg>(instruction.what).all) {
        std::optional<std::string> fallback;
        if (one.value) fallback = expanded(*one.value, parts_.diagnostics);
        global_.declare(one.name.value, fallback);
      }
    }
    check_filter();
    int target = target_stage();
    if (target < 0) return std::nullopt;
    links_ =
        link_stages(request_.file, global_, [this](const std::string& name) { return named_context(name) != nullptr; });
    tasks_.wait(static_cast<size_t>(target));
    if (failure_) {
      append(*failure_, parts_.diagnostics);
      return std::nullopt;
    }
    if (!built_[static_cast<size_t>(target)]) return std::nullopt;  // cancelled
    for (const Diagnostics& one : diagnostics_) append(one, parts_.diagnostics);
    return publish(*built_[static_cast<size_t>(target)]);
  }

 private:
  /// What one stage sees of the others.
  class Before : public Stages {
   public:
    Before(Build& build, size_t index) : build_(build), index_(index) {}

    Status await(const std::string& name) override {
      std::optional<size_t> stage = find(name);
      if (!stage) return {};
      build_.tasks_.wait(*stage);
      return build_.built_[*stage] ? Status() : sys_error("build", ECANCELED);
    }

    Result<SourceTree> tree(const std::string& name, const std::string& step) override {
      BERTH_TRY_OK(await(name));
      if (std::optional<size_t> stage = find(name)) {
        SourceTree tree;
        tree.name = fmt::format("the stage \"{}\"", printable(name));
        tree.layers = build_.built_[*stage]->layer_dirs;
        return tree;
      }
      return build_.foreign_tree(name, step);
    }

    [[nodiscard]] const SourceTree& context() const override { return build_.context_; }

   private:
    [[nodiscard]] std::optional<size_t> find(const std::string& name) const {
      int stage = build_.named_context(name) != nullptr ? -1 : build_.request_.file.find_stage(name);
      if (stage < 0 || static_cast<size_t>(stage) >= index_) return std::nullopt;
      return static_cast<size_t>(stage);
    }

    Build& build_;
    size_t index_;
  };

  /// A named context, or an image.
  Result<SourceTree> foreign_tree(const std::string& name, const std::string& step) {
    SourceTree tree;
    if (const std::string* context = named_context(name)) {
      BERTH_TRY(NamedContext found, parts_.context(*context, request_.platform, step));
      tree.name = fmt::format("the context \"{}\"", printable(name));
      tree.layers = found.image ? found.image->layer_dirs : std::vector<std::string>{found.directory};
      tree.keeps_owners = found.image.has_value();
      return tree;
    }
    BERTH_TRY(images::Image found, parts_.image(name, request_.platform, step));
    tree.name = fmt::format("the image \"{}\"", printable(name));
    tree.layers = found.layer_dirs;
    return tree;
  }

  [[nodiscard]] std::string expanded(const dockerfile::Text& text, Diagnostics& diagnostics) const {
    return dockerfile::expand(text, {global_.lookup(), request_.file.directives.escape, diagnostics});
  }

  /// A context takes the place of the stage or image of its name.
  [[nodiscard]] const std::string* named_context(const std::string& name) const {
    auto found = contexts_.find(context_key(name));
    return found == contexts_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] bool stopped() const { return failed_ || parts_.cancelled(); }

  int target_stage() {
    if (request_.target.empty()) return static_cast<int>(request_.file.stages.size()) - 1;
    int found = request_.file.find_stage(request_.target);
    if (found >= 0) return found;
    std::vector<std::string> names;
    for (const Stage& stage : request_.file.stages) {
      if (stage.from.name) names.push_back(stage.from.name->value);
    }
    std::optional<std::string> near = nearest(request_.target, names);
    parts_.diagnostics.error({}, fmt::format("the Dockerfile has no stage \"{}\"", printable(request_.target)),
                             near            ? fmt::format("did you mean \"{}\"?", *near)
                             : names.empty() ? std::string("none of its stages has a name")
                                             : "it has " + join(names, ", "));
    return -1;
  }

  void check_filter() {
    for (const std::string& name : request_.no_cache_filter) {
      if (request_.file.find_stage(name) >= 0) continue;
      parts_.diagnostics.warning({},
                                 fmt::format("no-cache-filter: the Dockerfile has no stage \"{}\"", printable(name)));
    }
  }

  [[nodiscard]] bool no_cache(size_t index) const {
    return request_.no_cache ||
           std::any_of(request_.no_cache_filter.begin(), request_.no_cache_filter.end(), [&](const std::string& name) {
             return request_.file.find_stage(name) == static_cast<int>(index);
           });
  }

  /// The task: builds it, or notes why not.
  void stage(size_t index) {
    for (size_t source : links_[index].needs) tasks_.start(source);
    if (build_stage(index) || stopped()) return;
    std::lock_guard lock(mutex_);
    if (failed_.exchange(true)) return;
    failure_ = diagnostics_[index];
  }

  bool build_stage(size_t index) {
    const Stage& stage = request_.file.stages[index];
    std::string name = stage.from.name      ? stage.from.name->value
                       : built_.size() == 1 ? ""
                                            : fmt::format("stage-{}", index);
    auto is_step = [](const Instruction& one) {
      return std::holds_alternative<dockerfile::Run>(one.what) || std::holds_alternative<dockerfile::Copy>(one.what) ||
             std::holds_alternative<dockerfile::Workdir>(one.what);
    };
    auto steps = static_cast<size_t>(std::count_if(stage.instructions.begin(), stage.instructions.end(), is_step)) + 1;
    if (!request_.name.empty()) name = name.empty() ? request_.name : request_.name + " " + name;
    Diagnostics& diagnostics = diagnostics_[index];
    BuildParts parts{parts_.store,   parts_.host,  parts_.paths,   parts_.share,
                     parts_.events,  diagnostics,  parts_.image,   parts_.fetch,
                     parts_.context, parts_.clone, parts_.network, [this] { return stopped(); }};
    Before before(*this, index);
    if (std::optional<size_t> base = links_[index].base) tasks_.wait(*base);
    if (stopped()) return false;
    std::string shown = fmt::format("[{}1/{}] {}", name.empty() ? "" : name + " ", steps, printable(stage.text));
    parts.events.begun(shown);
    Result<Built> base = base_of(index, shown);
    if (!base || stopped()) {
      parts.events.ended(shown, stopped() ? StepEnd::cancelled : StepEnd::failed);
      if (!base) diagnostics.error(stage.from.image.span, base.error().message(), base.error().hint);
      return false;
    }
    parts.events.ended(shown, StepEnd::cached);
    Scope scope(given_, global_, base->config.env, base->args);
    std::vector<Instruction> triggers = take_triggers(*base, diagnostics);
    StageBuild build(request_, parts, lease_, before, {name, steps, no_cache(index)}, std::move(base).value(),
                     std::move(scope));
    for (const std::vector<Instruction>* list : {&std::as_const(triggers), &stage.instructions}) {
      for (const Instruction& instruction : *list) {
        if (stopped() || !build.carry_out(instruction)) return false;
      }
    }
    built_[index] = build.take();
    return true;
  }

  Result<Built> base_of(size_t index, const std::string& step) {
    if (std::optional<size_t> base = links_[index].base) return *built_[*base];
    Diagnostics& diagnostics = diagnostics_[index];
    std::string name = expanded(request_.file.stages[index].from.image, diagnostics);
    std::optional<images::Platform> platform = request_.platform;
    if (const auto& text = request_.file.stages[index].from.platform) {
      BERTH_TRY(platform, images::parse_platform(expanded(*text, diagnostics)));
    }
    if (const std::string* context = named_context(name)) {
      BERTH_TRY(NamedContext found, parts_.context(*context, platform, step));
      if (found.image) return on_image(std::move(*found.image));
      return make_error(fmt::format("the context \"{}\" is a directory, not an image", printable(name)),
                        "take files from it: COPY --from=" + name);
    }
    if (name == "scratch") {
      images::Platform target = platform.value_or(given_.target);
      Built empty{{}, {}, {}, images::sha256_of("scratch"), {}};
      empty.config.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
      empty.config.working_dir = "/";
      empty.config.os = target.os;
      empty.config.architecture = target.architecture;
      empty.config.variant = target.variant;
      return empty;
    }
    if (name.empty()) return make_error("the name of the base image is empty", "does the variable in it have a value?");
    BERTH_TRY(images::Image image, parts_.image(name, platform, step));
    return on_image(std::move(image));
  }

  Result<Built> on_image(images::Image image) {
    BERTH_TRY(std::string json, parts_.store.read_blob(image.manifest));
    BERTH_TRY(images::Manifest manifest, images::parse_manifest(json));
    StepKey key(images::sha256_of("image"), "FROM");
    for (const images::Digest& id : image.config.diff_ids) key.add(id.str());
    return Built{std::move(image.config), std::move(manifest.layers), std::move(image.layer_dirs), key.digest(), {}};
  }

  /// The base's ONBUILD instructions, which are for this build and no further.
  static std::vector<Instruction> take_triggers(Built& base, Diagnostics& diagnostics) {
    std::vector<Instruction> triggers;
    for (const std::string& text : base.config.onbuild) {
      std::optional<Instruction> one =
          dockerfile::parse_instruction("ONBUILD of the base image", text, '\\', diagnostics);
      if (one) triggers.push_back(std::move(*one));
    }
    base.config.onbuild.clear();
    return triggers;
  }

  std::optional<images::Image> publish(Built result) {
    for (const auto& [name, value] : request_.labels) result.config.labels[name] = value;
    if (request_.epoch) result.config.created = format_rfc3339(*request_.epoch * 1'000'000'000);
    if (result.config.created.empty()) result.config.created = format_rfc3339(wall_clock_ns());
    std::vector<std::string> names;
    for (const std::string& tag : request_.tags) {
      Result<images::Reference> reference = images::parse_reference(tag);
      if (!reference) {
        parts_.diagnostics.error({}, reference.error().message());
        return std::nullopt;
      }
      names.push_back(reference->name());
    }
    std::string config = images::render_image_config(result.config);
    if (!request_.publish) {
      images::Digest id = images::sha256_of(config);
      return images::Image{id, id, {}, {}, std::move(result.config), std::move(result.layer_dirs)};
    }
    Result<images::Image> image =
        request_.annotations.empty()
            ? parts_.store.publish(lease_, config, result.layers, names)
            : publish_annotated(parts_.store, lease_, config, result.layers, names, request_.annotations);
    if (image) return std::move(image).value();
    parts_.diagnostics.error({}, image.error().message(), image.error().hint);
    return std::nullopt;
  }

  const BuildRequest& request_;
  const BuildParts& parts_;
  const images::ImportLease& lease_;
  Given given_;
  Scope global_;
  SourceTree context_;
  std::map<std::string, std::string> contexts_;  // by key
  std::vector<StageLinks> links_;
  std::vector<Diagnostics> diagnostics_;     // of each stage
  std::vector<std::optional<Built>> built_;  // set by the stage's task, read once that has ended
  std::mutex mutex_;
  std::atomic<bool> failed_ = false;
  std::optional<Diagnostics> failure_;  // of the stage that failed first
  Tasks tasks_;                         // last: the threads end before what they use goes
};

}  // namespace

std::optional<images::Image> build(const BuildRequest& request, const BuildParts& parts) {
  auto fail = [&](const Error& error) {
    parts.diagnostics.error({}, error.message(), error.hint);
    return std::nullopt;
  };
  Result<images::ImportLease> lease = parts.store.begin_import();
  if (!lease) return fail(lease.error());
  return Build(request, parts, *lease).run();
}

}  // namespace berth::builder
