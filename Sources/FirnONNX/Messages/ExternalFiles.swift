import FirnFiles
import FirnFormats
import FirnGraph
import Foundation

/// The files beside a model in which elements lie, mapped once each.
///
/// Paths come from the file that is read, so they may not leave the model's folder, by links neither.
final class ExternalFiles {
  private let folder: String?
  private let fault: FileFault
  private var opened: [String: Bytes] = [:]

  /// - Parameter path: the model's; nil where it is not a file on a disk.
  init(besides path: String?, fault: FileFault) {
    folder = path.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
    self.fault = fault
  }

  /// The elements of a tensor that lie elsewhere.
  func bytes(of tensor: TensorMessage, count: Int) throws(FirnError) -> Bytes {
    guard let location = tensor.external["location"], !location.isEmpty else {
      throw fault("does not say in which file `\(tensor.name)` lies", place: tensor.name)
    }
    func number(_ key: String) throws(FirnError) -> Int? {
      guard let text = tensor.external[key] else { return nil }
      guard let number = Int(text), number >= 0 else {
        throw fault("gives `\(tensor.name)` the \(key) \"\(text)\"", place: tensor.name)
      }
      return number
    }
    let whole = try file(location, for: tensor.name)
    let offset = try number("offset") ?? 0
    let length = try number("length") ?? count
    guard length == count else {
      throw fault(
        "keeps \(length) bytes for `\(tensor.name)` in '\(location)', where its shape and type take \(count)",
        place: tensor.name)
    }
    guard let bytes = whole.slice(at: offset, count: count) else {
      throw fault(
        "wants \(count) bytes of '\(location)' from \(offset) on for `\(tensor.name)`, which has \(whole.count)",
        remedy: "get both files anew, from one export", place: tensor.name)
    }
    return bytes
  }

  private func file(_ location: String, for name: String) throws(FirnError) -> Bytes {
    if let known = opened[location] { return known }
    guard let folder else {
      throw fault(
        "keeps `\(name)` in '\(location)', and is read from a stream",
        remedy: "name the model by its path, with that file beside it", place: name)
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains(".."), !location.contains("\\"), !location.contains("\0")
    else { throw outside(location, name) }
    let url = URL(fileURLWithPath: folder).appendingPathComponent(location)
    let base = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    guard url.resolvingSymlinksInPath().path.hasPrefix(base == "/" ? base : base + "/") else {
      throw outside(location, name)
    }
    let bytes = try MappedFile.open(url.path)
    opened[location] = bytes
    return bytes
  }

  private func outside(_ location: String, _ name: String) -> FirnError {
    fault(
      "keeps `\(name)` in '\(location)', outside of its folder",
      remedy: "export the model with its data in one folder", place: name)
  }
}
