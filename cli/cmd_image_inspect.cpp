#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/image_commands.h"
#include "cli/inspect.h"
#include "images/json_fields.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ImageInspectFlags {
  std::vector<std::string> images;
  std::string format;
};

/// What a template may name though an image does not set it: Go prints a zero value there, no error.
Json run_part(const Json& stored) {
  Json config = {{"Hostname", ""},       {"Domainname", ""},      {"User", ""},
                 {"AttachStdin", false}, {"AttachStdout", false}, {"AttachStderr", false},
                 {"Tty", false},         {"OpenStdin", false},    {"StdinOnce", false},
                 {"Env", nullptr},       {"Cmd", nullptr},        {"Image", ""},
                 {"Volumes", nullptr},   {"WorkingDir", ""},      {"Entrypoint", nullptr},
                 {"OnBuild", nullptr},   {"Labels", nullptr}};
  if (stored.is_object()) config.update(stored);
  return config;
}

Json names_of(const images::Image& image) {
  Json names = Json::array();
  for (const std::string& name : image.names) {
    if (name.find('@') == std::string::npos) names.push_back(images::familiar_name(name));
  }
  return names;
}

/// What registries have the image as; as with Docker none for one that has been in no registry.
Json digests_of(const images::Image& image) {
  Json digests = Json::array();
  for (const std::string& digest : image.repo_digests) digests.push_back(images::familiar_name(digest));
  return digests;
}

Json graph_driver(const images::Image& image) {
  Json data = Json::object();
  if (!image.layer_dirs.empty()) {
    data["UpperDir"] = image.layer_dirs.front();
    if (image.layer_dirs.size() > 1)
      data["LowerDir"] = join({image.layer_dirs.begin() + 1, image.layer_dirs.end()}, ":");
  }
  return {{"Data", std::move(data)}, {"Name", "overlay2"}};
}

/// The keys of `docker image inspect`, in its order.
Result<Json> inspect(const images::Store& store, const std::string& name) {
  BERTH_TRY(images::Image image, store.resolve(name));
  // From the file and not from ImageConfig: what berth does not know is shown as well.
  BERTH_TRY(std::string text, store.read_blob(image.id));
  Json stored = Json::parse(text, nullptr, false);
  Json layers = Json::array();
  for (const images::Digest& id : image.config.diff_ids) layers.push_back(id.str());
  Json json = {{"Id", image.id.str()},
               {"RepoTags", names_of(image)},
               {"RepoDigests", digests_of(image)},
               {"Parent", ""},
               {"Comment", image.config.history.empty() ? "" : image.config.history.back().comment},
               {"Created", image.created},
               {"DockerVersion", ""},
               {"Author", image.config.author},
               {"Config", run_part(stored.value("config", Json()))},
               {"Architecture", image.config.architecture}};
  if (!image.config.variant.empty()) json["Variant"] = image.config.variant;
  json["Os"] = image.config.os;
  json["Size"] = image.size;
  json["GraphDriver"] = graph_driver(image);
  json["RootFS"] = {{"Type", "layers"}, {"Layers", std::move(layers)}};
  json["Metadata"] = {{"LastTagTime", "0001-01-01T00:00:00Z"}};
  return json;
}

}  // namespace

Result<Json> image_json(const Context& context, const std::string& name) {
  BERTH_TRY(const images::Store store, images::Store::open(context.paths));
  return inspect(store, name);
}

void add_image_inspect(Command noun, Context& context) {
  auto flags = std::make_shared<ImageInspectFlags>();
  Command command = noun.add_command("inspect", "Display detailed information on one or more images");
  command.option("IMAGE", flags->images, "Names or ids").required();
  command.option("-f,--format", flags->format, "json, or a Go template");
  command.runs(context, [&context, flags] {
    return show_objects(context, flags->images, flags->format,
                        [&](const std::string& name) { return image_json(context, name); });
  });
}

}  // namespace berth::cli
