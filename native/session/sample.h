// One sample while it is being drawn: which tokens it has, which bytes they spell, and whether it has ended. Knows no
// tensors and no batch; that is what makes its rules readable (and testable) in one place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "native/constraint/function_end.h"
#include "native/constraint/heal.h"
#include "native/constraint/stop_strings.h"
#include "native/constraint/vocabulary.h"
#include "native/sampler/sampler.h"
#include "native/session/request.h"

namespace faultline::session {

/// What all samples of one group share. Immutable while samples of the group live.
struct SampleRules {
  const GroupRequest* request = nullptr;
  std::int32_t context = 0;  // of the model
  std::optional<std::int32_t> eos_token;
  const constraint::Vocabulary* vocabulary = nullptr;   // null: tokens spell nothing
  std::optional<constraint::Heal> heal;                 // when bytes are owed
  std::optional<constraint::FunctionEnd> function_end;  // primed with the prompt, for policy `function`
  std::optional<constraint::StopStrings> stop_strings;
};

/// Not thread-safe; different samples may be used on different threads.
class Sample {
 public:
  /// `rules` must outlive the sample.
  Sample(const SampleRules& rules, std::int32_t group, std::uint32_t sample_index);

  /// Tokens drawn so far.
  std::int32_t drawn() const { return static_cast<std::int32_t>(result_.tokens.size()); }
  std::int32_t last_token() const { return result_.tokens.back(); }
  /// Absolute position of the token to be drawn next: how many stand before it, prompt included. It is the position
  /// word of the random counter, so a rollback that draws again at a position says so by the attempt word.
  std::int32_t position() const { return static_cast<std::int32_t>(rules_->request->prompt.size()) + drawn(); }
  sampler::DrawKey draw_key() const;
  /// The token that ends the sample; -1: none does.
  std::int32_t stop_token() const;
  /// Tokens that it may still draw before its budget or the context ends it, at least 1 while it lives.
  std::int32_t remaining() const;
  /// The tokens that may come next while bytes of the prompt are owed, else null.
  ops::Mask condition() const;

  /// Takes the token that was drawn. Returns true when the sample has ended.
  bool accept(const sampler::TokenDraw& draw);
  /// Ends the sample with its own error.
  void fail(const std::string& reason);

  /// Gives the result away, once ended.
  SampleResult take() { return std::move(result_); }

 private:
  void end(FinishReason reason) { result_.finish = reason; }

  const SampleRules* rules_;
  std::int32_t covered_ = 0;  // owed bytes that stand
  std::optional<constraint::FunctionEnd> function_end_;
  std::optional<constraint::StopStrings> stop_strings_;
  SampleResult result_;
};

}  // namespace faultline::session
