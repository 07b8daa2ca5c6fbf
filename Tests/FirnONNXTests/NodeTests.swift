import Foundation
import Testing

/// ONNX's own node tests: a stored sample, and all of them where a file says so.
@Suite struct NodeTests {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "Fixtures")

  /// Of the sample, what has no counterpart in Firn.
  static let unsupported: Set<String> = [
    "test_ai_onnx_ml_tree_ensemble_set_membership",
    "test_bernoulli_double",
    "test_bitcast_int32_to_float32",
    "test_nonmaxsuppression_limit_output_size",
    "test_nonmaxsuppression_two_classes",
    "test_tfidfvectorizer_tf_batch_uniandbigrams_skip5",
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
    // ONNX Runtime's CPU provider passes 1367 of them.
    #expect(passed >= 1385 || tests.count != 1428)
  }
}
