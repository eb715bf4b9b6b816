#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "images/reference.h"
#include "images/store.h"
#include "images/store_sweep.h"

// How names, images and what nobody needs any more leave the store. Names go first and at once (index.json), content
// after them and only while nobody is importing, so that a crash in between leaves nothing but garbage.

namespace berth::images {
namespace {

/// What is in use, asked once, and only if somebody wants to know.
class Users {
 public:
  explicit Users(const InUse& in_use) : in_use_(in_use) {}
  bool need(const Digest& id) {
    if (!ids_) ids_ = in_use_ ? in_use_() : std::vector<Digest>();
    return std::find(ids_->begin(), ids_->end(), id) != ids_->end();
  }

 private:
  const InUse& in_use_;
  std::optional<std::vector<Digest>> ids_;
};

}  // namespace

Result<RemovedImage> Store::remove(const std::string& name_or_id, const InUse& in_use) {
  RemovedImage removed;
  Users users(in_use);
  {
    BERTH_TRY(auto lock, lock_index());
    BERTH_TRY(Index index, read_index());
    BERTH_TRY(Digest manifest, find(index, name_or_id));
    auto reference = parse_reference(name_or_id);
    std::string only = reference ? reference->name() : "";
    auto has_name = [&](const Descriptor& one) { return one.annotation(kAnnotationRefName) == only; };
    bool by_name = !only.empty() && std::any_of(index.manifests.begin(), index.manifests.end(), has_name);
    std::optional<Descriptor> last;
    std::erase_if(index.manifests, [&](const Descriptor& one) {
      if (one.digest != manifest || (by_name && !has_name(one))) return false;
      if (std::string name = one.annotation(kAnnotationRefName); !name.empty())
        removed.untagged.push_back(std::move(name));
      last = one;
      return true;
    });
    auto id = image_id(*last);
    if (id && users.need(*id)) keep_unnamed(index, *last);
    bool gone = std::none_of(index.manifests.begin(), index.manifests.end(),
                             [&](const Descriptor& one) { return one.digest == manifest; });
    if (gone && id) removed.deleted = std::move(id).value();
    BERTH_TRY_OK(write_index(index));
    if (!gone) return removed;
  }
  auto alone = sys::FileLock::try_acquire(directory_ + "/content.lock");
  if (!alone) return removed;  // an import is under way: garbage_collect() will find it
  BERTH_TRY(Index index, read_index());
  // An image elsewhere that cannot be read stops the sweep; the name is gone all the same, and garbage_collect()
  // reports it.
  auto freed = sweep_unreferenced(*this, index);
  if (freed) removed.freed_bytes = *freed;
  return removed;
}

Result<CollectedGarbage> Store::garbage_collect(const InUse& in_use, const Unwanted& unwanted) {
  BERTH_TRY(auto alone, sys::FileLock::acquire(directory_ + "/content.lock"));
  CollectedGarbage collected;
  if (unwanted) {
    BERTH_TRY(auto lock, lock_index());
    BERTH_TRY(Index index, read_index());
    Users users(in_use);
    std::set<Digest> going;  // manifests
    for (const Descriptor& entry : index.manifests) {
      auto image = load_image(entry.digest, index);
      if (!image || users.need(image->id) || !unwanted(*image) || !going.insert(entry.digest).second) continue;
      collected.images.push_back({image->names, image->id, 0});
    }
    std::erase_if(index.manifests, [&](const Descriptor& entry) { return going.contains(entry.digest); });
    if (!going.empty()) BERTH_TRY_OK(write_index(index));
  }
  BERTH_TRY(Index index, read_index());
  BERTH_TRY(collected.freed_bytes, sweep_unreferenced(*this, index));
  return collected;
}

}  // namespace berth::images
