#pragma once

#include "base/result.h"
#include "cli/cmd_archives.h"
#include "cli/cmd_cp.h"
#include "cli/context.h"

namespace berth::cli {

// What berth-images does, a file each.
[[nodiscard]] Status save(const Context& context, const SaveFlags& flags);
[[nodiscard]] Status export_container(const Context& context, const ExportFlags& flags);
[[nodiscard]] Status copy_files(const Context& context, const CopyFlags& flags);
[[nodiscard]] Status commit(const Context& context, const CommitFlags& flags);

}  // namespace berth::cli
