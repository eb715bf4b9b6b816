#pragma once

#include "engine/config.h"
#include "engine/joins.h"
#include "engine/plan.h"
#include "engine/state.h"
#include "images/store.h"

namespace berth::engine {

/// Configuration and image merged into what will run, with Docker's precedence: what the compose file says wins over
/// the image, health checks merge key by key, an entrypoint of its own drops the image's command. Pure but for the id
/// and names of anonymous volumes, which are random. `action` gives the name and which of the service's containers it
/// is. `lenders` has all that lenders_of() the service names; mounted images have their layers already.
/// `replaced`: whose anonymous volumes are its own from now on, by their targets.
[[nodiscard]] Result<ContainerRecord> make_record(const Stack& stack, const ServiceConfig& service,
                                                  const CreateContainer& action, const images::Image& image,
                                                  const Lenders& lenders = {},
                                                  const ContainerRecord* replaced = nullptr);

/// Whose it is, for messages: service "web" of project "shop", or nobody's but its own.
[[nodiscard]] std::string owner_of(const ContainerRecord& record);

/// Its host name: the file's, the host's where it has the host's UTS namespace, or else made from its id.
[[nodiscard]] std::string hostname_of(const ContainerRecord& record);

/// The mistake of giving its name to another container.
[[nodiscard]] Error name_in_use(const ContainerRecord& record);

/// It is to take another's place and has not done so yet: its name begins with that one's id. Nobody but those who look
/// for it is to find it.
[[nodiscard]] bool has_temporary_name(const ContainerRecord& record);

/// Whether a health check's test is one that images can have; berth's own kinds are for the file alone to ask for.
[[nodiscard]] bool is_test_of_images(const std::vector<std::string>& test);

}  // namespace berth::engine
