#include "native/session/sample.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "native/base/check.h"

namespace faultline::session {

const char* finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::eos:
      return "eos";
    case FinishReason::stop:
      return "stop";
    case FinishReason::function:
      return "function";
    case FinishReason::length:
      return "length";
    case FinishReason::context:
      return "context";
    case FinishReason::error:
      return "error";
  }
  base::check_failed(__FILE__, __LINE__, "known finish reason");
}

Sample::Sample(const SampleRules& rules, std::int32_t group, std::uint32_t sample_index)
    : rules_(&rules), function_end_(rules.function_end), stop_strings_(rules.stop_strings) {
  result_.group = group;
  result_.sample_index = sample_index;
  result_.eos_logprob = std::numeric_limits<float>::quiet_NaN();
}

sampler::DrawKey Sample::draw_key() const {
  return {.key = rules_->request->key,
          .sample = result_.sample_index,
          .position = static_cast<std::uint32_t>(position()),
          .attempt = 0};
}

std::int32_t Sample::stop_token() const {
  return rules_->request->stop_policy == StopPolicy::none ? -1 : rules_->eos_token.value_or(-1);
}

std::int32_t Sample::remaining() const {
  return std::min(rules_->request->max_new_tokens - drawn(), rules_->context - position());
}

ops::Mask Sample::condition() const {
  const bool owes = rules_->heal && covered_ < rules_->heal->size();
  return owes ? rules_->heal->mask(covered_).words() : nullptr;
}

bool Sample::accept(const sampler::TokenDraw& draw) {
  const GroupRequest& request = *rules_->request;
  if (draw.token < 0) {
    fail("no token is allowed next");
    return true;
  }
  if (draw.token == stop_token()) {
    result_.eos_logprob = draw.logprob;
    end(FinishReason::eos);
    return true;
  }
  result_.tokens.push_back(draw.token);
  result_.logprobs.push_back(draw.logprob);
  result_.entropies.push_back(draw.entropy);

  if (rules_->vocabulary != nullptr) {
    constraint::Bytes fresh = rules_->vocabulary->bytes_of(draw.token);
    if (rules_->heal) {
      const auto owed = static_cast<std::size_t>(rules_->heal->size() - covered_);
      const std::size_t covers = std::min(owed, fresh.size());
      covered_ += static_cast<std::int32_t>(covers);
      fresh = fresh.subspan(covers);
    }
    result_.bytes.insert(result_.bytes.end(), fresh.begin(), fresh.end());
    result_.cut = static_cast<std::int64_t>(result_.bytes.size());

    // Byte by byte, so that what is met first ends the sample, however the text is divided into tokens.
    constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      const constraint::Bytes byte = fresh.subspan(i, 1);
      const std::int64_t function = function_end_ ? function_end_->feed(byte).value_or(kNowhere) : kNowhere;
      const std::int64_t stop = stop_strings_ ? stop_strings_->feed(byte).value_or(kNowhere) : kNowhere;
      if (function == kNowhere && stop == kNowhere) continue;
      // Both at one byte: the one that cuts more off; at the same place it is the caller's own string.
      result_.cut = std::min(stop, function);
      end(stop <= function ? FinishReason::stop : FinishReason::function);
      return true;
    }
  }
  if (remaining() > 0) return false;
  end(drawn() == request.max_new_tokens ? FinishReason::length : FinishReason::context);
  return true;
}

void Sample::fail(const std::string& reason) {
  result_.error = reason;
  end(FinishReason::error);
}

}  // namespace faultline::session
