// ONNX's cases that no call of pewter's means, by reason. The list is held here, and not only in
// the index, so that a case cannot drop out of the test by a change of the generator alone.
#pragma once

#include <map>
#include <set>
#include <string>

namespace pewter::test {

inline const std::map<std::string, std::set<std::string>>& onnx_left_out() {
  static const std::map<std::string, std::set<std::string>> cases = {
      {"values of another width than keys",
       {"attention_3d_diff_heads_sizes", "attention_3d_diff_heads_sizes_causal",
        "attention_3d_diff_heads_sizes_scaled", "attention_4d_diff_heads_sizes",
        "attention_4d_diff_heads_sizes_causal", "attention_4d_diff_heads_sizes_scaled"}},
      {"additive or boolean mask tensor: pewter masks by causality, length and document",
       {"attention_23_boolmask_fullymasked_row_nan_robustness",
        "attention_3d_attn_mask",
        "attention_3d_diff_heads_sizes_attn_mask",
        "attention_3d_diff_heads_with_past_and_present",
        "attention_3d_gqa_attn_mask",
        "attention_3d_gqa_with_past_and_present",
        "attention_3d_with_past_and_present",
        "attention_3d_with_past_and_present_qk_matmul",
        "attention_4d_attn_mask",
        "attention_4d_attn_mask_3d",
        "attention_4d_attn_mask_3d_causal",
        "attention_4d_attn_mask_4d",
        "attention_4d_attn_mask_4d_causal",
        "attention_4d_attn_mask_bool",
        "attention_4d_attn_mask_bool_4d",
        "attention_4d_attn_mask_causal_bf16",
        "attention_4d_causal_nonpad_attn_mask_composition",
        "attention_4d_causal_padded_kv_bf16",
        "attention_4d_diff_heads_mask4d_padded_kv",
        "attention_4d_diff_heads_sizes_attn_mask",
        "attention_4d_diff_heads_with_past_and_present",
        "attention_4d_diff_heads_with_past_and_present_mask3d",
        "attention_4d_diff_heads_with_past_and_present_mask4d",
        "attention_4d_gqa_attn_mask",
        "attention_4d_gqa_with_past_and_present",
        "attention_4d_gqa_with_past_and_present_fp16",
        "attention_4d_padded_kv_bf16",
        "attention_4d_with_past_and_present",
        "attention_4d_with_past_and_present_qk_matmul",
        "attention_causal_boolmask_nan_robustness"}},
      {"softcap: logit soft-capping is not in pewter's attention",
       {"attention_3d_diff_heads_sizes_softcap", "attention_3d_gqa_softcap", "attention_3d_softcap",
        "attention_3d_with_past_and_present_qk_matmul_softcap",
        "attention_4d_diff_heads_sizes_softcap", "attention_4d_gqa_softcap", "attention_4d_softcap",
        "attention_4d_softcap_neginf_mask", "attention_4d_softcap_neginf_mask_poison",
        "attention_4d_with_qk_matmul_softcap", "attention_local_window_gqa_rank4_mask"}},
      {"returns the scores, which pewter never holds", {"attention_4d_with_qk_matmul"}},
      {"qk_matmul_output_mode: returns the scores is not in pewter's attention",
       {"attention_23_fullymasked_qk_matmul_output_mode3_zero",
        "attention_24_fullymasked_qk_matmul_output_mode3_zero",
        "attention_24_qk_matmul_output_mode3_softmax_precision",
        "attention_3d_with_past_and_present_qk_matmul_bias",
        "attention_3d_with_past_and_present_qk_matmul_softmax",
        "attention_4d_with_past_and_present_qk_matmul_bias",
        "attention_4d_with_past_and_present_qk_matmul_bias_3d_mask",
        "attention_4d_with_past_and_present_qk_matmul_bias_3d_mask_causal",
        "attention_4d_with_past_and_present_qk_matmul_bias_4d_mask",
        "attention_4d_with_past_and_present_qk_matmul_bias_4d_mask_causal",
        "attention_4d_with_qk_matmul_bias", "attention_4d_with_qk_matmul_softmax"}},
      {"a query that may see no key at all",
       {"attention_4d_causal_nonpad_negative_offset_structural_empty"}},
      {"left_window_size: sliding window is not in pewter's attention",
       {"attention_3d_local_window", "attention_bidirectional_window", "attention_local_window",
        "attention_local_window_default", "attention_local_window_ext_cache_float16_mask",
        "attention_local_window_ext_cache_rank2_mask",
        "attention_local_window_ext_cache_rank3_head_mask",
        "attention_local_window_ext_cache_rank4_batch_mask",
        "attention_local_window_rank1_boolean_mask", "attention_local_window_with_past"}},
      {"interleaved pairs: pewter rotates halves",
       {"rotary_embedding_interleaved", "rotary_embedding_no_position_ids_interleaved",
        "rotary_embedding_with_interleaved_rotary_dim"}},
  };
  return cases;
}

}  // namespace pewter::test
