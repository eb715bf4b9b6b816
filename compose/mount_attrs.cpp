#include <fmt/core.h>

#include <algorithm>

#include "compose/items.h"
#include "compose/volume.h"

namespace berth::compose {
namespace {

struct MountType : CodecBase {
  using Value = Mount::Type;
  static bool decode(const In& in, Mount::Type& value) {
    static constexpr std::array<std::string_view, 6> kTypes = {"bind", "volume", "tmpfs", "image", "npipe", "cluster"};
    std::string word;
    if (!Text::decode(in, word) || !check_word(in, word, kTypes)) return false;
    value = static_cast<Mount::Type>(std::find(kTypes.begin(), kTypes.end(), word) - kTypes.begin());
    return true;
  }
  static bool encode(const Mount::Type& value, Tree& out) {
    return Text::encode(std::string(mount_type_name(value)), out);
  }
};

struct TargetPath : Text {
  static bool decode(const In& in, std::string& value) {
    if (!Text::decode(in, value)) return false;
    if (!value.starts_with('/')) return in.error(fmt::format("\"{}\" is not an absolute path", value)), false;
    value = clean_path(value);
    return true;
  }
};

constexpr std::array<std::string_view, 6> kPropagations = {"private", "rprivate", "rshared",
                                                           "rslave",  "shared",   "slave"};
constexpr std::array<std::string_view, 2> kSelinux = {"z", "Z"};
constexpr std::array<std::string_view, 4> kRecursive = {"enabled", "disabled", "writable", "readonly"};

constexpr Attr kBindRows[] = {
    attr<&BindOptions::create_host_path, Flag>("create_host_path"),
    attr<&BindOptions::propagation, OneOf<kPropagations>>("propagation"),
    attr<&BindOptions::recursive, OneOf<kRecursive>>("recursive"),
    attr<&BindOptions::selinux, OneOf<kSelinux>>("selinux").ignored(),
};
constexpr Attr kVolumeRows[] = {
    attr<&VolumeOptions::labels, Labels>("labels").remark("of an anonymous volume"),
    attr<&VolumeOptions::nocopy, IfTrue>("nocopy"),
    attr<&VolumeOptions::subpath, Text>("subpath"),
};
constexpr Attr kTmpfsRows[] = {
    attr<&TmpfsOptions::mode, FileModeNumber>("mode"),
    attr<&TmpfsOptions::size, Bytes>("size"),
};
constexpr Attr kImageRows[] = {attr<&ImageOptions::subpath, Text>("subpath")};

const Table& bind_table() {
  static constexpr Table kTable{"bind mount", kBindRows, extensions_of<BindOptions>};
  return kTable;
}
const Table& volume_options_table() {
  static constexpr Table kTable{"volume mount", kVolumeRows, extensions_of<VolumeOptions>};
  return kTable;
}
const Table& tmpfs_table() {
  static constexpr Table kTable{"tmpfs mount", kTmpfsRows, extensions_of<TmpfsOptions>};
  return kTable;
}
const Table& image_options_table() {
  static constexpr Table kTable{"image mount", kImageRows, extensions_of<ImageOptions>};
  return kTable;
}

constexpr Attr kMountRows[] = {
    attr<&Mount::bind, Object<BindOptions, bind_table>>("bind"),
    attr<&Mount::consistency, Text>("consistency").ignored(),
    attr<&Mount::image, Object<ImageOptions, image_options_table>>("image"),
    attr<&Mount::read_only, IfTrue>("read_only"),
    attr<&Mount::source, IfAny<Text>>("source"),
    attr<&Mount::target, TargetPath>("target"),
    attr<&Mount::tmpfs, Object<TmpfsOptions, tmpfs_table>>("tmpfs"),
    attr<&Mount::type, MountType>("type").remark("bind, volume, tmpfs, image"),
    attr<&Mount::volume, Object<VolumeOptions, volume_options_table>>("volume"),
};
const Table& mount_table() {
  static constexpr Table kTable{"volume", kMountRows, extensions_of<Mount>};
  return kTable;
}

void mount_to_long(Tree& item, const Path& path, Diagnostics& diagnostics, std::vector<Tree>& out) {
  std::vector<std::string> unknown;
  Result<Mount> mount = parse_mount(item.text, unknown);
  if (!mount.ok()) {
    diagnostics.error(item.span, fmt::format("{}: \"{}\": {}", path.str(), item.text, mount.error().message()),
                      mount.error().hint);
    return;
  }
  for (const std::string& option : unknown) {
    diagnostics.warning(item.span,
                        fmt::format("{}: the option \"{}\" means nothing and is dropped", path.str(), option));
  }
  Tree tree = Tree::map();
  encode_object(&*mount, mount_table(), tree);
  set_span(tree, item.span);
  out.push_back(std::move(tree));
}

}  // namespace

const Table& Mounts::table() {
  return mount_table();
}
void Mounts::to_long(Tree& tree, const Path& path, Diagnostics& diagnostics) {
  each_item(tree, path, diagnostics, mount_to_long);
}
bool Mounts::decode(const In& in, std::vector<Mount>& value) {
  require_keys(in, "type");
  require_keys(in, "target");
  return decode_items<Mount, mount_table>(in, value);
}
bool Mounts::encode(const std::vector<Mount>& value, Tree& out) {
  return ObjectList<Mount, mount_table>::encode(value, out);
}

}  // namespace berth::compose
