package import FirnGraph
internal import Foundation

/// The handwritten digits that the demonstrations train on: 8 by 8 pixels of ink from 0 to 16, and a label
/// from 0 to 9.
///
/// Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
/// Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0; the 1,797 images of its test part.
package struct DigitsData: Sendable, Hashable {
  /// The number of pixels of an image, row by row from the top left.
  package static let pixelCount = 64
  /// The most ink that a pixel has.
  package static let maximumInk: UInt8 = 16
  /// The labels that there are.
  package static let allClasses: ClosedRange<UInt8> = 0...9

  /// The pixels of all images, ``pixelCount`` each.
  package let images: [UInt8]
  /// The label of each image.
  package let labels: [UInt8]

  /// The number of images.
  package var count: Int { labels.count }

  /// The digits that come with the program.
  ///
  /// - Throws: `FirnError` if the resource is missing or damaged.
  package static func load() throws(FirnError) -> DigitsData {
    let name = "digits.bin"
    guard let url = Bundle.module.url(forResource: "digits", withExtension: "bin") else {
      throw FirnError(
        .file, "the resource \(name) is missing from \(Bundle.module.bundlePath)",
        remedy: "install the program together with its resources")
    }
    let bytes: [UInt8]
    do {
      bytes = [UInt8](try Data(contentsOf: url))
    } catch {
      throw FirnError(
        .file, "cannot read \(url.path): \(error.localizedDescription)",
        remedy: "install the program together with its resources")
    }
    return try DigitsData(records: bytes)
  }

  /// Reads records of 65 bytes: 64 pixels, then the label.
  ///
  /// - Throws: `FirnError` if the size or a byte is not one that such records can have.
  package init(records: [UInt8]) throws(FirnError) {
    let recordSize = DigitsData.pixelCount + 1
    let remedy = "restore digits.bin from the sources"
    guard !records.isEmpty && records.count.isMultiple(of: recordSize) else {
      throw FirnError(
        .file, "the digits have \(records.count) bytes, which is not a number of \(recordSize)-byte records",
        remedy: remedy)
    }
    var images: [UInt8] = []
    var labels: [UInt8] = []
    for (record, start) in stride(from: 0, to: records.count, by: recordSize).enumerated() {
      let pixels = records[start..<start + DigitsData.pixelCount]
      if let ink = pixels.first(where: { $0 > DigitsData.maximumInk }) {
        throw FirnError(
          .file, "digit \(record) has a pixel of \(ink), beyond the limit of \(DigitsData.maximumInk)",
          remedy: remedy)
      }
      let label = records[start + DigitsData.pixelCount]
      guard DigitsData.allClasses.contains(label) else {
        throw FirnError(.file, "digit \(record) has the label \(label), which is no digit", remedy: remedy)
      }
      images += pixels
      labels.append(label)
    }
    self.images = images
    self.labels = labels
  }

  /// The pixels of one image.
  package func image(at index: Int) -> ArraySlice<UInt8> {
    images[index * DigitsData.pixelCount..<(index + 1) * DigitsData.pixelCount]
  }
}
