package import FirnGraph
internal import FirnTraining

extension DigitsData {
  /// Images to train on and images to test with, as indices in ascending order.
  package struct Split: Sendable, Hashable {
    package var train: [Int]
    package var test: [Int]
  }

  /// Splits the images of some classes at random, so that each class has the same part of its images in the
  /// test.
  ///
  /// What is drawn for a class depends on the seed and on that class alone: an image that is a test image
  /// in one range of classes is one in every range, so a model trained on some classes can be tested with
  /// others without having seen them.
  ///
  /// - Parameters:
  ///   - classes: The labels whose images are wanted.
  ///   - testFraction: The part of each class that is held back, from 0 to 1, rounded to whole images.
  ///   - seed: What the draw depends on.
  /// - Returns: The two disjoint sets, which together are all images of the classes.
  /// - Throws: `FirnError` if the fraction is out of range or a class has no image.
  package func split(
    classes: ClosedRange<UInt8> = DigitsData.allClasses, testFraction: Double = 0.2, seed: UInt64
  ) throws(FirnError) -> Split {
    guard (0...1).contains(testFraction) else {
      throw FirnError(
        .invalidArgument, "the test fraction is \(testFraction)", remedy: "give a number from 0 to 1")
    }
    var split = Split(train: [], test: [])
    for label in classes {
      let members = labels.indices.filter { labels[$0] == label }
      guard !members.isEmpty else {
        throw FirnError(
          .invalidArgument, "there is no image of class \(label)", remedy: "choose classes from \(classList)")
      }
      let order = Shuffle(seed: seed, stream: UInt64(label)).order(members.count).map { members[$0] }
      let testCount = Int((testFraction * Double(members.count)).rounded())
      split.test += order[..<testCount]
      split.train += order[testCount...]
    }
    split.train.sort()
    split.test.sort()
    return split
  }

  private var classList: String {
    Set(labels).sorted().map(String.init).joined(separator: ", ")
  }
}
