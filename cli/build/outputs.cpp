#include "cli/build/outputs.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "builder/export.h"
#include "cli/output_file.h"
#include "cli/prune.h"
#include "cli/transfer.h"
#include "images/reference.h"
#include "images/save.h"
#include "images/unpack_process.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

template <class Test>
bool any_output(const BuildJob& job, Test test) {
  return std::any_of(job.outputs.begin(), job.outputs.end(), test);
}

Result<std::vector<std::string>> full_names(const BuildJob& job) {
  std::vector<std::string> names;
  for (const std::string& name : names_of(job)) {
    BERTH_TRY(images::Reference reference, images::parse_reference(name));
    names.push_back(reference.name());
  }
  return names;
}

Status write_image(images::Store& store, const BuildJob& job, const images::Image& image, const BuildOutput& output) {
  BERTH_TRY(std::vector<std::string> names, full_names(job));
  if (output.packed) {
    BERTH_TRY(OutputFile file, OutputFile::open(output.dest == "-" ? "" : output.dest));
    BERTH_TRY_OK(images::save_image(store, image, names, [&](std::string_view bytes) { return file.write(bytes); }));
    return file.complete();
  }
  BERTH_TRY_OK(sys::make_dirs(output.dest));
  BERTH_TRY(images::UnpackProcess process, images::UnpackProcess::start(output.dest, {}));
  BERTH_TRY_OK(images::save_image(store, image, names, [&](std::string_view bytes) { return process.send(bytes); }));
  BERTH_TRY(images::UnpackResult unpacked, process.finish());
  static_cast<void>(unpacked);
  return {};
}

Status write(images::Store& store, const BuildJob& job, const images::Image& image, const BuildOutput& output) {
  if (output.is_archive()) return write_image(store, job, image, output);
  if (output.type == "local") return builder::copy_files(image.layer_dirs, output.dest);
  if (output.type != "tar") return {};
  BERTH_TRY(OutputFile file, OutputFile::open(output.dest == "-" ? "" : output.dest));
  BERTH_TRY_OK(builder::write_files(image.layer_dirs, {}, [&](std::string_view bytes) { return file.write(bytes); }));
  return file.complete();
}

Status push(const Context& context, const BuildJob& job) {
  Transfer transfer;
  transfer.push = true;
  for (const std::string& name : names_of(job)) transfer.items.push_back({name, "", {}});
  if (transfer.items.empty()) return make_error("an image without a name cannot be pushed", "name it: -t NAME");
  BERTH_TRY(int code, carry_out(context, transfer));
  return code == 0 ? Status() : make_error("the image could not be pushed", "see above");
}

Status write_metadata(images::Store& store, const BuildJob& job, const images::Image& image) {
  nlohmann::json document = nlohmann::json::object();
  if (is_published(job)) {
    BERTH_TRY(std::string manifest, store.read_blob(image.manifest));
    document["containerimage.config.digest"] = image.id.str();
    document["containerimage.digest"] = image.manifest.str();
    document["containerimage.descriptor"] = {
        {"mediaType", images::kMediaManifest}, {"digest", image.manifest.str()}, {"size", manifest.size()}};
  }
  BERTH_TRY(std::vector<std::string> names, full_names(job));
  if (!names.empty()) document["image.name"] = join(names, ",");
  return sys::write_file_atomic(job.metadata_file, document.dump(2) + "\n", sys::Durability::none);
}

}  // namespace

bool is_stored(const BuildJob& job) {
  return job.outputs.empty() || any_output(job, [](const BuildOutput& output) { return output.is_stored(); });
}

bool is_published(const BuildJob& job) {
  return is_stored(job) || any_output(job, [](const BuildOutput& output) { return output.is_archive(); });
}

std::vector<std::string> names_of(const BuildJob& job) {
  std::vector<std::string> names = job.tags;
  for (const BuildOutput& output : job.outputs) names.insert(names.end(), output.names.begin(), output.names.end());
  return names;
}

Status put_out(const Context& context, images::Store& store, const BuildJob& job, const images::Image& image,
               const std::vector<images::Digest>& known) {
  for (const BuildOutput& output : job.outputs)
    BERTH_TRY_OK(write(store, job, image, output).context("--output type={}", output.type));
  if (any_output(job, [](const BuildOutput& output) { return output.push; })) BERTH_TRY_OK(push(context, job));
  if (!job.iidfile.empty() && is_published(job))
    BERTH_TRY_OK(sys::write_file_atomic(job.iidfile, image.id.str(), sys::Durability::none));
  if (!job.metadata_file.empty()) BERTH_TRY_OK(write_metadata(store, job, image));
  bool was_there = std::find(known.begin(), known.end(), image.id) != known.end();
  if (is_stored(job) || !is_published(job) || was_there) return {};
  Result<images::RemovedImage> removed = store.remove(image.id.str(), [&] { return images_in_use(context); });
  return removed ? Status() : Status(std::move(removed).error());
}

}  // namespace berth::cli
