#include "cli/prune.h"

#include <fmt/core.h>

#include <iostream>

#include "base/clock.h"
#include "base/text.h"
#include "cli/image_filter.h"
#include "cli/timestamp.h"
#include "engine/state.h"
#include "images/build_cache.h"
#include "images/reference.h"
#include "images/store.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "sys/lock.h"

namespace berth::cli {

std::vector<images::Digest> images_in_use(const Context& context) {
  std::vector<images::Digest> ids;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    if (Result<images::Digest> id = images::Digest::parse(container.record.image_id))
      ids.push_back(std::move(id).value());
    for (const engine::MountConfig& mount : container.record.mounts) {
      if (Result<images::Digest> id = images::Digest::parse(mount.image_id)) ids.push_back(std::move(id).value());
    }
  }
  return ids;
}

Status check_records(const Context& context) {
  std::vector<std::string> problems;
  (void)engine::StateStore(context.paths).observe(&problems);  // only what it could not read is of interest
  if (problems.empty()) return {};
  return make_error("nothing is pruned, since it is not known what all containers use: " + printable(problems.front()),
                    "mend or remove that file first");
}

bool confirm(const std::string& warning) {
  fmt::print("{}\nAre you sure you want to continue? [y/N] ", warning);
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return to_lower(trim(answer)) == "y";
}

Result<engine::PruneOptions> parse_prune_filters(const std::vector<std::string>& filters) {
  engine::PruneOptions options;
  for (const std::string& text : filters) {
    size_t equals = text.find('=');
    std::string key = text.substr(0, equals);
    std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (key == "until") {
      options.created_before_ns = parse_moment(value, wall_clock_ns());
      if (!options.created_before_ns) {
        return make_error("filter until=" + printable(value) +
                          ": expected a time like 2026-11-21T10:00:00 or a duration like 24h");
      }
    } else if (key == "label" || key == "label!") {
      size_t second = value.find('=');
      std::optional<std::string> wanted;
      if (second != std::string::npos) wanted = value.substr(second + 1);
      options.labels.push_back({value.substr(0, second), std::move(wanted), key == "label"});
    } else {
      return make_error("invalid filter '" + printable(key) + "'", "expected until=, label= or label!=");
    }
  }
  return options;
}

Status prune_images(const Context& context, const std::vector<std::string>& filters, bool all, uint64_t& freed) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(ImageFilter filter, ImageFilter::parse(filters, {"dangling", "until", "label", "label!"}, store));
  bool named_too = !filter.take_dangling().value_or(!all);
  BERTH_TRY(images::CollectedGarbage collected, store.garbage_collect([&] { return images_in_use(context); },
                                                                      [&](const images::Image& image) {
                                                                        return (named_too || image.names.empty()) &&
                                                                               filter.matches(image);
                                                                      }));
  freed += collected.freed_bytes;
  if (collected.images.empty()) return {};
  fmt::print("Deleted Images:\n");
  for (const images::RemovedImage& image : collected.images) {
    for (const std::string& name : image.untagged) fmt::print("untagged: {}\n", printable(images::familiar_name(name)));
    if (image.deleted) fmt::print("deleted: {}\n", image.deleted->str());
  }
  fmt::print("\n");
  return {};
}

std::string cache_mounts(const Context& context) {
  return context.paths.root + "/build/caches";
}

std::string repositories(const Context& context) {
  return context.paths.root + "/build/git";
}

Status prune_build_cache(const Context& context, uint64_t& freed) {
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  std::string lock_file = context.paths.root + "/build/lock";
  std::optional<sys::FileLock> alone;
  if (sys::exists(lock_file)) {
    Result<sys::FileLock> lock = sys::FileLock::try_acquire(lock_file);
    if (!lock) return make_error("the build cache is in use by a build");
    alone.emplace(std::move(lock).value());
  }
  for (const std::string& directory : {cache_mounts(context), repositories(context)}) {
    freed += sys::disk_usage(directory);
    BERTH_TRY_OK(sys::remove_tree(directory));
  }
  BERTH_TRY(size_t steps, images::BuildCache(store).clear());
  BERTH_TRY(images::CollectedGarbage collected, store.garbage_collect([&] { return images_in_use(context); }));
  freed += collected.freed_bytes;
  if (steps > 0) fmt::print("Deleted build cache: {} steps\n\n", steps);
  return {};
}

}  // namespace berth::cli
