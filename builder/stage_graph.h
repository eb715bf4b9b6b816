#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "builder/scope.h"
#include "dockerfile/instruction.h"

namespace berth::builder {

/// How a stage hangs together with those before it. Stages refer to earlier ones only, so there are no circles.
struct StageLinks {
  std::optional<size_t> base;  // the stage that it goes on from; nothing: an image
  std::vector<size_t> needs;   // stages that it reads, the base among them; sorted, each once
};

/// Of all stages, in their order. `global`: the variables before the first FROM. `is_context`: a name that means
/// something else than the stage of that name.
[[nodiscard]] std::vector<StageLinks> link_stages(const dockerfile::Dockerfile& file, const Scope& global,
                                                  const std::function<bool(const std::string&)>& is_context = {});

/// What the instruction takes files from besides the context, as written: --from of COPY and of mounts.
[[nodiscard]] std::vector<dockerfile::Text> sources_of(const dockerfile::Instruction& instruction);

}  // namespace berth::builder
