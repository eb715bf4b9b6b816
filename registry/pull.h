#pragma once

#include <functional>
#include <optional>

#include "base/result.h"
#include "images/platform.h"
#include "images/progress.h"
#include "images/reference.h"
#include "images/store.h"
#include "registry/client.h"
#include "registry/transfer.h"

namespace berth::registry {

struct PullRequest {
  images::Reference reference;
  std::optional<images::Platform> platform;  // asked for; nothing = what this machine runs
};

struct Pulled {
  images::Image image;
  images::Digest digest;  // of what the registry has under the reference: a manifest or an index
  bool newer = false;     // false: the image was there already
};

/// Brings an image from its registry into the store. What is there already costs one HEAD request. Layers come side by
/// side, each unpacked while it arrives, verified before it is used; layers that somebody else is fetching are waited
/// for, not fetched twice. On error, and when `cancelled` answers true, nothing that is incomplete stays, and the name
/// leads where it led before.
[[nodiscard]] Result<Pulled> pull(Client& client, images::Store& store, const PullRequest& request, Slots& slots,
                                  images::Progress& progress, const std::function<bool()>& cancelled);

}  // namespace berth::registry
