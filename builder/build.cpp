#include "builder/build.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "builder/annotate.h"
#include "builder/stage.h"
#include "builder/step_key.h"
#include "dockerfile/parse.h"
#include "images/manifest.h"
#include "images/reference.h"

namespace berth::builder {
namespace {

using dockerfile::Instruction;
using dockerfile::Stage;

/// What a stage names besides its base: every --from.
std::vector<dockerfile::Text> needs(const Stage& stage) {
  std::vector<dockerfile::Text> names;
  for (const Instruction& instruction : stage.instructions) {
    if (auto* copy = std::get_if<dockerfile::Copy>(&instruction.what); copy && copy->from) names.push_back(*copy->from);
    if (auto* run = std::get_if<dockerfile::Run>(&instruction.what)) {
      for (const dockerfile::Mount& mount : run->mounts) {
        if (const dockerfile::Text* from = mount.option("from")) names.push_back(*from);
      }
    }
  }
  return names;
}

/// "alpine", "alpine:latest" and "docker.io/library/alpine" are one name.
std::string context_key(const std::string& name) {
  constexpr std::string_view kLatest = ":latest";
  std::string key = images::familiar_name(name);
  return key.ends_with(kLatest) ? key.substr(0, key.size() - kLatest.size()) : key;
}

class Build : public Stages {
 public:
  Build(const BuildRequest& request, const BuildParts& parts, const images::ImportLease& lease)
      : request_(request),
        parts_(parts),
        lease_(lease),
        given_{request.build_args, request.platform.value_or(images::host_platform()), images::host_platform(),
               request.target},
        global_(given_) {
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
        if (one.value) fallback = expanded(*one.value);
        global_.declare(one.name.value, fallback);
      }
    }
    int target = target_stage();
    if (target < 0) return std::nullopt;
    built_.resize(request_.file.stages.size());
    mark_needed(static_cast<size_t>(target));
    for (size_t i = 0; i <= static_cast<size_t>(target); ++i) {
      if (needed_.contains(i) && !build_stage(i)) return std::nullopt;
    }
    return publish(*built_[static_cast<size_t>(target)]);
  }

  Result<SourceTree> tree(const std::string& name) override {
    SourceTree tree;
    if (const std::string* context = named_context(name)) {
      BERTH_TRY(NamedContext found, parts_.context(*context, request_.platform));
      tree.name = fmt::format("the context \"{}\"", printable(name));
      tree.layers = found.image ? found.image->layer_dirs : std::vector<std::string>{found.directory};
      tree.keeps_owners = found.image.has_value();
      return tree;
    }
    int stage = request_.file.find_stage(name);
    if (stage >= 0 && built_[static_cast<size_t>(stage)]) {
      tree.name = fmt::format("the stage \"{}\"", printable(name));
      tree.layers = built_[static_cast<size_t>(stage)]->layer_dirs;
      return tree;
    }
    BERTH_TRY(images::Image found, parts_.image(name, request_.platform));
    tree.name = fmt::format("the image \"{}\"", printable(name));
    tree.layers = found.layer_dirs;
    return tree;
  }

  [[nodiscard]] const SourceTree& context() const override { return context_; }

 private:
  std::string expanded(const dockerfile::Text& text) {
    return dockerfile::expand(text, {global_.lookup(), request_.file.directives.escape, parts_.diagnostics});
  }

  /// A context takes the place of the stage or image of its name.
  const std::string* named_context(const std::string& name) {
    auto found = contexts_.find(context_key(name));
    return found == contexts_.end() ? nullptr : &found->second;
  }

  /// The stage before `index` that a name means; -1 for a context, an image or a mistake.
  int stage_before(size_t index, const std::string& name) {
    int stage = named_context(name) != nullptr ? -1 : request_.file.find_stage(name);
    return stage >= 0 && static_cast<size_t>(stage) < index ? stage : -1;
  }

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

  /// The base of a stage that is a stage before it; -1 for an image.
  int base_stage(size_t index) { return stage_before(index, expanded(request_.file.stages[index].from.image)); }

  void mark_needed(size_t index) {
    if (!needed_.insert(index).second) return;
    if (int base = base_stage(index); base >= 0) mark_needed(static_cast<size_t>(base));
    for (const dockerfile::Text& name : needs(request_.file.stages[index])) {
      if (int stage = stage_before(index, expanded(name)); stage >= 0) mark_needed(static_cast<size_t>(stage));
    }
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
    std::string shown = fmt::format("[{}1/{}] {}", name.empty() ? "" : name + " ", steps, printable(stage.text));
    parts_.events.begun(shown);
    Result<Built> base = base_of(index);
    if (!base) {
      parts_.events.failed(shown);
      parts_.diagnostics.error(stage.from.image.span, base.error().message(), base.error().hint);
      return false;
    }
    parts_.events.done(shown, true);
    Scope scope(given_, global_, base->config.env);
    std::vector<Instruction> triggers = take_triggers(*base);
    StageBuild build(request_, parts_, lease_, *this, name, steps, std::move(base).value(), std::move(scope));
    for (const std::vector<Instruction>* list : {&std::as_const(triggers), &stage.instructions}) {
      for (const Instruction& instruction : *list) {
        if (parts_.cancelled() || !build.carry_out(instruction)) return false;
      }
    }
    built_[index] = build.take();
    return true;
  }

  Result<Built> base_of(size_t index) {
    std::string name = expanded(request_.file.stages[index].from.image);
    if (int base = base_stage(index); base >= 0) return *built_[static_cast<size_t>(base)];
    std::optional<images::Platform> platform = request_.platform;
    if (const auto& text = request_.file.stages[index].from.platform) {
      BERTH_TRY(platform, images::parse_platform(expanded(*text)));
    }
    if (const std::string* context = named_context(name)) {
      BERTH_TRY(NamedContext found, parts_.context(*context, platform));
      if (found.image) return on_image(std::move(*found.image));
      return make_error(fmt::format("the context \"{}\" is a directory, not an image", printable(name)),
                        "take files from it: COPY --from=" + name);
    }
    if (name == "scratch") {
      images::Platform target = platform.value_or(given_.target);
      Built empty{{}, {}, {}, images::sha256_of("scratch")};
      empty.config.os = target.os;
      empty.config.architecture = target.architecture;
      empty.config.variant = target.variant;
      return empty;
    }
    if (name.empty()) return make_error("the name of the base image is empty", "does the variable in it have a value?");
    BERTH_TRY(images::Image image, parts_.image(name, platform));
    return on_image(std::move(image));
  }

  Result<Built> on_image(images::Image image) {
    BERTH_TRY(std::string json, parts_.store.read_blob(image.manifest));
    BERTH_TRY(images::Manifest manifest, images::parse_manifest(json));
    StepKey key(images::sha256_of("image"), "FROM");
    for (const images::Digest& id : image.config.diff_ids) key.add(id.str());
    return Built{std::move(image.config), std::move(manifest.layers), std::move(image.layer_dirs), key.digest()};
  }

  /// The base's ONBUILD instructions, which are for this build and no further.
  std::vector<Instruction> take_triggers(Built& base) {
    std::vector<Instruction> triggers;
    for (const std::string& text : base.config.onbuild) {
      std::optional<Instruction> one =
          dockerfile::parse_instruction("ONBUILD of the base image", text, '\\', parts_.diagnostics);
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
  std::set<size_t> needed_;
  std::vector<std::optional<Built>> built_;
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
