import FirnGraph

/// Where the bytes go that are written to a path.
enum WritingPlace {
  /// A regular file, or none yet: replaced as a whole. Links are followed, so that they stay.
  case file(String)
  /// A device, a pipe or a descriptor of this process: written into, never replaced.
  case stream(Int32)

  /// How long who is to read from a pipe is waited for, in seconds.
  static let patience = 10.0
  private static let mostLinks = 40

  /// - Throws: `.file` for a folder, for links that go round, and for what cannot be opened.
  init(_ path: String) throws(FirnError) {
    guard !path.isEmpty else { throw AtomicFile.fault(path, "the path is empty", remedy: "name a file") }
    var place = path
    for _ in 0..<Self.mostLinks {
      if let number = Self.descriptor(named: place) {
        self = .stream(try Self.opened(Platform.duplicate(number), path))
        return
      }
      switch Platform.kind(of: place) {
      case .folder: throw AtomicFile.fault(path, "it is a directory", remedy: "name a file in it")
      case .pipe, .stream:
        self = .stream(try Self.opened(Platform.openStream(place, waiting: Self.patience), path))
        return
      case .file, nil:
        guard let target = Platform.target(ofLink: place) else {
          self = .file(place)
          return
        }
        let folder = place.lastIndex(of: "/").map { String(place[...$0]) } ?? ""
        place = target.hasPrefix("/") ? target : folder + target
      }
    }
    throw AtomicFile.fault(path, "its symbolic links lead round", remedy: "name the file itself")
  }

  private static func opened(_ descriptor: Int32, _ path: String) throws(FirnError) -> Int32 {
    if descriptor >= 0 { return descriptor }
    guard !Platform.hasNoReader else {
      throw AtomicFile.fault(path, "nobody reads from it", remedy: "start what reads from it first")
    }
    throw AtomicFile.fault(path, Platform.reason, remedy: "check the path and its permissions")
  }

  /// The descriptor that a path stands for: opened anew it would begin at the start of a file that is redirected to.
  private static func descriptor(named path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return 1
    case "/dev/stderr": return 2
    default:
      guard let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix) else { return nil }
      return Int32(path.dropFirst(folder.count))
    }
  }
}
