#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/image_commands.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "cli/timestamp.h"
#include "images/manifest.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ImageHistoryFlags {
  std::string image, format, human = "true";
  bool quiet = false, no_trunc = false;
};

std::string shortened(std::string text, bool full) {
  constexpr size_t kWidth = 45;
  std::replace(text.begin(), text.end(), '\t', ' ');
  if (full || text.size() <= kWidth) return text;
  size_t end = kWidth - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

std::string made_at(const std::string& rfc3339) {
  std::optional<int64_t> ns = parse_rfc3339(rfc3339);
  return ns ? format_rfc3339(*ns).substr(0, 19) + "Z" : "";
}

/// From the newest entry to the oldest, as Docker lists them. Only entries that made a layer have a size.
std::vector<Json> rows(const images::Image& image, const images::Manifest& manifest, const ImageHistoryFlags& flags) {
  std::vector<Json> list;
  size_t layers = manifest.layers.size();
  bool human = flags.human != "false";
  for (size_t i = image.config.history.size(); i-- > 0;) {
    const images::HistoryEntry& entry = image.config.history[i];
    uint64_t size = entry.empty_layer || layers == 0 ? 0 : manifest.layers[--layers].size;
    std::string id = flags.no_trunc ? image.id.str() : image.id.short_hex();
    list.push_back({{"Comment", entry.comment},
                    {"CreatedAt", made_at(entry.created)},
                    {"CreatedBy", shortened(entry.created_by, flags.no_trunc)},
                    {"CreatedSince", time_ago(entry.created, wall_clock_ns())},
                    {"ID", list.empty() ? id : "<missing>"},
                    {"Size", human ? size_text(size) : std::to_string(size)}});
  }
  return list;
}

Status history(const Context& context, const ImageHistoryFlags& flags) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(images::Image image, store.resolve(flags.image));
  BERTH_TRY(std::string text, store.read_blob(image.manifest));
  BERTH_TRY(images::Manifest manifest, images::parse_manifest(text));
  std::vector<Json> list = rows(image, manifest, flags);
  if (flags.quiet && flags.format.empty()) {
    for (const Json& one : list) fmt::print("{}\n", one["ID"].get<std::string>());
    return {};
  }
  Column created = flags.human != "false" ? Column{"CREATED", "CreatedSince"} : Column{"CREATED AT", "CreatedAt"};
  BERTH_TRY(std::string shown,
            render_listing(
                list, {{"IMAGE", "ID"}, created, {"CREATED BY", "CreatedBy"}, {"SIZE", "Size"}, {"COMMENT", "Comment"}},
                flags.format));
  fmt::print("{}", shown);
  return {};
}

}  // namespace

void add_image_history(Command app, Context& context) {
  auto flags = std::make_shared<ImageHistoryFlags>();
  Command command = app.add_command("history", "Show the history of an image");
  command.option("IMAGE", flags->image, "Name or id").required();
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("-H,--human", flags->human, "Print sizes and dates in human readable format (default true)");
  command.flag("--no-trunc", flags->no_trunc, "Don't truncate output");
  command.flag("-q,--quiet", flags->quiet, "Only show image IDs");
  command.runs(context, [&context, flags] { return report(context, history(context, *flags)); });
}

}  // namespace berth::cli
