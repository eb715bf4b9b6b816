#include "builder/stage_graph.h"

#include <set>

#include "base/diagnostics.h"
#include "dockerfile/expand.h"

namespace berth::builder {

std::vector<StageLinks> link_stages(const dockerfile::Dockerfile& file, const Scope& global,
                                    const std::function<bool(const std::string&)>& is_context) {
  Diagnostics unheard;  // whoever builds the stage looks at the same texts again, and tells
  std::vector<StageLinks> all;
  for (const dockerfile::Stage& stage : file.stages) {
    auto before = [&](const dockerfile::Text& text) -> std::optional<size_t> {
      std::string name = dockerfile::expand(text, {global.lookup(), file.directives.escape, unheard});
      int found = is_context && is_context(name) ? -1 : file.find_stage(name);
      if (found < 0 || static_cast<size_t>(found) >= all.size()) return std::nullopt;
      return static_cast<size_t>(found);
    };
    StageLinks links;
    links.base = before(stage.from.image);
    std::set<size_t> needs;
    if (links.base) needs.insert(*links.base);
    for (const dockerfile::Instruction& instruction : stage.instructions) {
      for (const dockerfile::Text& name : sources_of(instruction)) {
        if (std::optional<size_t> source = before(name)) needs.insert(*source);
      }
    }
    links.needs.assign(needs.begin(), needs.end());
    all.push_back(std::move(links));
  }
  return all;
}

std::vector<dockerfile::Text> sources_of(const dockerfile::Instruction& instruction) {
  std::vector<dockerfile::Text> names;
  if (auto* copy = std::get_if<dockerfile::Copy>(&instruction.what); copy && copy->from) names.push_back(*copy->from);
  if (auto* run = std::get_if<dockerfile::Run>(&instruction.what)) {
    for (const dockerfile::Mount& mount : run->mounts) {
      if (const dockerfile::Text* from = mount.option("from")) names.push_back(*from);
    }
  }
  return names;
}

}  // namespace berth::builder
