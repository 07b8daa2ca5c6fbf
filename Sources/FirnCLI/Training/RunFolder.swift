internal import FirnGraph
internal import Foundation

/// The folder that a training leaves its weights, curves and checkpoints in.
struct RunFolder {
  let path: String
  /// As it was written on the command line.
  let name: String
  private let isNew: Bool
  /// While this is there, no other run writes into the folder.
  private let hold: Hold?

  private final class Hold {
    private let descriptor: Int32
    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { Platform.release(descriptor) }
  }

  var checkpoints: String { path + "/checkpoints" }
  var weights: String { path + "/weights.safetensors" }

  /// The folder that the first of several processes has made.
  init(joining path: String, named name: String) {
    (self.path, self.name, isNew, hold) = (path, name, false, nil)
  }

  /// - Throws: `.file` where it cannot be made, `.invalidArgument` where another run has left its files, or goes on.
  init(_ path: String, named name: String, resuming: Bool) throws(FirnError) {
    (self.path, self.name) = (path, name)
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    isNew = !exists
    if exists, !isFolder.boolValue {
      throw FirnError(.file, "'\(name)' is a file", remedy: "name a folder", place: name)
    }
    // A run that was ended before its first checkpoint leaves a folder for them, and nothing to go on from.
    func isLeft(_ name: String) -> Bool {
      let place = path + "/" + name
      guard name == "checkpoints" else { return FileManager.default.fileExists(atPath: place) }
      return (try? FileManager.default.contentsOfDirectory(atPath: place).isEmpty) == false
    }
    if !resuming,
      let left = ["checkpoints", "weights.safetensors", "history.csv"].first(where: isLeft)
    {
      throw FirnError(
        .invalidArgument, "'\(name)' holds \(left) of another run",
        remedy: "go on with it by --resume, or name another folder", place: name)
    }
    if resuming, !FileManager.default.fileExists(atPath: path + "/checkpoints") {
      throw FirnError(
        .invalidArgument, "'\(name)' holds no run to go on with", remedy: "leave --resume out", place: name)
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FirnError(
        .file, "'\(name)' cannot be made: \((error as NSError).localizedDescription)",
        remedy: "choose another place, or allow writing", place: name)
    }
    guard let descriptor = Platform.hold(path) else {
      throw FirnError(
        .invalidArgument, "another run is writing into '\(name)'",
        remedy: "wait until it has ended, or name another folder", place: name)
    }
    hold = Hold(descriptor)
  }

  /// Takes away what a run that failed before its first checkpoint has made.
  func removeIfEmpty() {
    for (folder, mayGo) in [(checkpoints, true), (path, isNew)] where mayGo {
      guard let left = try? FileManager.default.contentsOfDirectory(atPath: folder), left.isEmpty else {
        continue
      }
      try? FileManager.default.removeItem(atPath: folder)
    }
  }
}
