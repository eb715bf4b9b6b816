#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/image_commands.h"
#include "cli/image_filter.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "cli/timestamp.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ImageLsFlags {
  std::vector<std::string> filters;
  std::string format, repository;
  bool all = false, quiet = false, digests = false, no_trunc = false;
};

/// "2026-11-21 12:48:04 +0000 UTC"
std::string built_at(const std::string& rfc3339) {
  std::optional<int64_t> ns = parse_rfc3339(rfc3339);
  if (!ns) return "N/A";
  std::string text = format_rfc3339(*ns);
  return text.substr(0, 10) + " " + text.substr(11, 8) + " +0000 UTC";
}

/// What the registry has under the name.
std::string digest_of(const images::Image& image, const std::string& name) {
  Result<images::Reference> reference = images::parse_reference(name);
  for (const std::string& digest : image.repo_digests) {
    if (reference && digest.starts_with(reference->repository() + "@")) return digest.substr(digest.find('@') + 1);
  }
  return "<none>";
}

/// The keys of `docker image ls --format json`, in its order.
Json row(const images::Image& image, const std::string& name, bool full) {
  ShownName shown = shown_name(name);
  std::string size = size_text(image.size);
  return {{"Containers", "N/A"},
          {"CreatedAt", built_at(image.created)},
          {"CreatedSince", time_ago(image.created, wall_clock_ns())},
          {"Digest", digest_of(image, name)},
          {"ID", full ? image.id.str() : image.id.short_hex()},
          {"Repository", shown.repository},
          {"SharedSize", "N/A"},
          {"Size", size},
          {"Tag", shown.tag},
          {"UniqueSize", "N/A"},
          {"VirtualSize", size}};
}

Status list(const Context& context, ImageLsFlags flags) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  if (!flags.repository.empty()) flags.filters.push_back("reference=" + flags.repository);
  BERTH_TRY(ImageFilter filter,
            ImageFilter::parse(flags.filters, {"reference", "dangling", "label", "before", "since", "until"}, store));
  std::vector<Error> damaged;
  BERTH_TRY(std::vector<images::Image> images, store.list(&damaged));
  for (const Error& error : damaged) fmt::print(stderr, "warning: {}\n", printable(error.message()));
  std::vector<Json> rows;
  for (const images::Image& image : images) {
    if (!filter.matches(image)) continue;
    std::vector<std::string> names = image.names;
    std::erase_if(names, [&](const std::string& name) { return !filter.shows(name); });
    if (names.empty()) names.emplace_back();  // a line for an image without a name
    for (const std::string& name : names) rows.push_back(row(image, name, flags.no_trunc));
  }
  if (flags.quiet && flags.format.empty()) {
    for (const Json& one : rows) fmt::print("{}\n", one["ID"].get<std::string>());
    return {};
  }
  std::vector<Column> columns = {
      {"REPOSITORY", "Repository"}, {"TAG", "Tag"}, {"IMAGE ID", "ID"}, {"CREATED", "CreatedSince"}, {"SIZE", "Size"}};
  if (flags.digests) columns.insert(columns.begin() + 2, {"DIGEST", "Digest"});
  BERTH_TRY(std::string text, render_listing(rows, columns, flags.format));
  fmt::print("{}", text);
  return {};
}

}  // namespace

ShownName shown_name(const std::string& full_name) {
  Result<images::Reference> reference = images::parse_reference(full_name);
  if (full_name.empty() || !reference) return {};
  return {reference->familiar_repository(), reference->tag.empty() ? "<none>" : reference->tag};
}

void add_image_ls(Command noun, Context& context) {
  auto flags = std::make_shared<ImageLsFlags>();
  Command command = noun.add_command("ls", "List images").alias("list");
  command.option("REPOSITORY", flags->repository, "Only images of this name: NAME or NAME:TAG, also with *");
  command.flag("-a,--all", flags->all, "Show intermediate images, too; there are none, so without meaning here");
  command.flag("-q,--quiet", flags->quiet, "Only show image IDs");
  command.flag("--digests", flags->digests, "Show digests");
  command.flag("--no-trunc", flags->no_trunc, "Don't truncate output");
  command.option("-f,--filter", flags->filters,
                 "Filter output: reference=, dangling=, label=, before=, since=, until=");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

}  // namespace berth::cli
