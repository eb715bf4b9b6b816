#include "cli/start_attached.h"

#include "cli/quiet.h"
#include "cli/request.h"
#include "engine/request.h"

namespace berth::cli {

Result<std::optional<int>> start_attached(const Context& context, const engine::ContainerRecord& record,
                                          const AttachFlags& streams) {
  BERTH_TRY(Attachment attachment, Attachment::prepare(context, record, streams));
  const engine::StartRequest request{engine::only(record), {}};
  if (carry_out(without_progress(context), engine::to_message(request)) != 0) return std::optional<int>();
  Result<engine::Container> container = engine::StateStore(context.paths).read(record.id);
  if (!container)
    return make_error("container " + record.name + " has ended and was removed before it could be attached to");
  BERTH_TRY(int code, attachment.carry(*container));
  return std::optional(code);
}

}  // namespace berth::cli
