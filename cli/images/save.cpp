#include "images/save.h"

#include "cli/images/commands.h"
#include "cli/output_file.h"

namespace berth::cli {

Status save(const Context& context, const SaveFlags& flags) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(OutputFile output, OutputFile::open(flags.output));
  BERTH_TRY_OK(images::save_images(store, flags.images, [&](std::string_view bytes) { return output.write(bytes); }));
  return output.complete();
}

}  // namespace berth::cli
