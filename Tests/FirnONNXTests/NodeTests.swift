import Foundation
import Testing

/// ONNX's own node tests: a stored sample, and all of them where a file says so.
@Suite struct NodeTests {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "Fixtures")

  /// Of the sample, what has no counterpart in Firn.
  static let unsupported: Set<String> = [
    "test_ai_onnx_ml_tree_ensemble_set_membership",
    "test_basic_deform_conv_with_padding",
    "test_bernoulli_double",
    "test_bitcast_int32_to_float32",
    "test_bitshift_left_int32_overflow",
    "test_bitshift_right_int32_negative_shift",
    "test_bitwise_or_i32_2d",
    "test_causal_conv_with_state_decode_step",
    "test_causal_conv_with_state_swish_alias",
    "test_col2im_strides",
    "test_deform_conv_with_multiple_offset_groups",
    "test_dft",
    "test_dft_opset19",
    "test_gridsample_bicubic",
    "test_gridsample_bilinear_align_corners_1_additional_1",
    "test_gridsample_reflection_padding",
    "test_gridsample_zeros_padding",
    "test_maxpool_with_argmax_2d_precomputed_pads",
    "test_nonmaxsuppression_limit_output_size",
    "test_nonmaxsuppression_two_classes",
    "test_optional_get_element_tensor",
    "test_roialign_aligned_true",
    "test_scatter_elements_with_reduction_max",
    "test_scatternd_min",
    "test_tensorscatter",
    "test_tfidfvectorizer_tf_batch_uniandbigrams_skip5",
    "test_top_k_negative_axis",
    "test_training_dropout",
    "test_unique_sorted_with_negative_axis",
  ]

  @Test func storedSample() throws {
    let tests = try NodeTest.all(in: Self.fixtures.appendingPathComponent("nodes.onnx").path)
    #expect(tests.count >= 150)
    var failed: [String] = []
    for test in tests {
      if let fault = test.fault() {
        failed.append(test.name)
        if !Self.unsupported.contains(test.name) { Issue.record("\(test.name): \(fault)") }
      }
    }
    #expect(Set(failed) == Self.unsupported)
  }

  /// `FIRN_ONNX_NODES=FILE`, of a file that `node_tests.py` wrote, runs all and prints what fails and why.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["FIRN_ONNX_NODES"] != nil))
  func allOfThem() throws {
    let tests = try NodeTest.all(in: ProcessInfo.processInfo.environment["FIRN_ONNX_NODES"] ?? "")
    var passed = 0
    for test in tests {
      if let fault = test.fault() { print("\(test.name): \(fault)") } else { passed += 1 }
    }
    print("Firn passes \(passed) of \(tests.count)")
    #expect(passed >= 800)
  }
}
