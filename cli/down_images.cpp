#include "cli/down_images.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "cli/prune.h"
#include "cli/service_builds.h"
#include "cli/status_stream.h"
#include "compose/provider.h"
#include "engine/state.h"
#include "images/store.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

std::set<std::string> of_containers(const Context& context, const engine::Selection& selection) {
  std::set<std::string> names;
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  for (const engine::Container* one : engine::select(observed, selection)) names.insert(one->record.config.image);
  return names;
}

std::set<std::string> by_label(const images::Store& store, const engine::Selection& selection) {
  std::set<std::string> names;
  Result<std::vector<images::Image>> all = store.list();
  if (!all) return names;
  for (const images::Image& image : *all) {
    const auto& labels = image.config.labels;
    auto project = labels.find("com.docker.compose.project"), service = labels.find("com.docker.compose.service");
    if (project == labels.end() || service == labels.end() || project->second != selection.project) continue;
    const std::string own = selection.project + "-" + service->second;
    for (const std::string& name : image.names) {
      if (Result<images::Reference> reference = images::parse_reference(name);
          reference && reference->familiar_repository() == own)
        names.insert(own);
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> images_of(const Context& context, const Target& target, const engine::Selection& selection,
                                   bool all) {
  std::set<std::string> names;
  if (target.file) {
    for (const auto& [name, service] : target.file->services) {
      bool chosen =
          !compose::has_provider(service) && (selection.services.empty() || selection.services.contains(name));
      if (chosen && (all || (service.build && !service.image))) names.insert(image_of(*target.file, service));
    }
  } else if (all) {
    names = of_containers(context, selection);
  } else if (sys::exists(context.paths.images())) {
    if (Result<images::Store> store = images::Store::open(context.paths)) names = by_label(*store, selection);
  }
  return {names.begin(), names.end()};
}

int remove_images(const Context& context, const std::vector<std::string>& names) {
  if (names.empty()) return 0;
  Result<images::Store> store = images::Store::open(context.paths);
  if (!store) return report(context, store.error());
  int code = 0;
  for (const std::string& name : names) {
    Result<images::Image> image = store->resolve(name);
    if (!image) continue;  // gone already
    auto in_use = [&] { return images_in_use(context); };
    const std::vector<images::Digest> used = in_use();
    if (std::find(used.begin(), used.end(), image->id) != used.end()) {
      fmt::print(stderr, "warning: Image {} Resource is still in use\n", printable(name));
      continue;
    }
    Result<images::RemovedImage> removed = store->remove(name, in_use);
    if (!removed)
      code = report(context, removed.error());
    else if (context.progress != "quiet")
      fmt::print(status_stream(), " Image {}  Removed\n", printable(name));
  }
  return code;
}

}  // namespace berth::cli
