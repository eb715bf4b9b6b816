#pragma once

#include "base/result.h"
#include "cli/build_job.h"
#include "cli/context.h"
#include "images/store.h"

namespace berth::cli {

/// Does with a build's image what the job asks for: files, archives, pushing, the files that name it. `known`: ids that
/// the store had before; an image that is in the store only for an archive leaves it again. Error: the output.
[[nodiscard]] Status put_out(const Context& context, images::Store& store, const BuildJob& job,
                             const images::Image& image, const std::vector<images::Digest>& known);

/// Whether the image gets its names in the store, or needs to be there at all.
[[nodiscard]] bool is_stored(const BuildJob& job);
[[nodiscard]] bool is_published(const BuildJob& job);
/// All names that the image gets.
[[nodiscard]] std::vector<std::string> names_of(const BuildJob& job);

}  // namespace berth::cli
