import FirnFiles
import FirnGraph
import FirnRuntime
internal import Foundation

/// Where features of frozen parts are kept, each under what it was made of.
///
/// What is kept is found by the frozen weights, by what is computed of them and by the example's own data: change one
/// of them and another entry is looked for. So one place may serve any number of programs, data sets and runs, at the
/// same time and one after the other, and nothing in it can be out of date.
///
/// Not `Sendable`: use a place from one task at a time. Several processes may use one folder at once.
public final class FeaturePlace {
  /// Where, in words.
  enum Kind {
    case memory
    case folder(String)
  }

  let kind: Kind

  var isFolder: Bool { if case .folder = kind { true } else { false } }
  /// The most bytes that the features of one data set may take.
  public let limit: Int
  /// Those in memory, the one used last at the end.
  private var groups: [(key: FeatureKey, store: MemoryFeatures)] = []
  private var digests: [ExampleDigests] = []
  /// Of what sessions hold in variables: going through the weights of a large network takes longer than a short run.
  private var contents: [Variable: Contents] = [:]
  /// How often that was done.
  private(set) var digestedVariables = 0

  private struct Variable: Hashable {
    var session: ObjectIdentifier
    var name: String
  }

  private struct Contents {
    /// Held, so that no other session gets its address.
    var session: AnyObject
    var revision: Int
    var key: FeatureKey
  }

  private init(_ kind: Kind, limit: Int) {
    self.kind = kind
    self.limit = limit
  }

  /// The memory of this process; keep the place to use it again in another run.
  ///
  /// - Parameter limit: the most bytes that all features in it may take. Of older ones those used last stay.
  public static func memory(limit: Int) -> FeaturePlace { FeaturePlace(.memory, limit: limit) }

  /// A folder, which is made when there is something to store; it may be deleted whenever no process uses it.
  ///
  /// - Parameters:
  ///   - path: of the folder. Features of other weights or programs lie beside each other in it until it is deleted.
  ///   - limit: the most bytes that the features of one data set may take.
  public static func folder(_ path: String, limit: Int = .max) -> FeaturePlace {
    FeaturePlace(.folder(path), limit: limit)
  }

  /// The records of a group.
  func store(
    of group: FeatureKey, recordSize: Int, warn: @escaping (String) -> Void
  ) -> any FeatureStore {
    switch kind {
    case .folder(let path):
      return FolderFeatures(
        path + "/" + group.text.prefix(32), group: group, recordSize: recordSize, warn: warn)
    case .memory:
      let known = groups.firstIndex { $0.key == group }
      let store =
        known.map { groups.remove(at: $0).store }
        ?? MemoryFeatures(recordSize: recordSize, in: self, warn: warn)
      groups.append((group, store))
      return store
    }
  }

  /// Forgets groups that nobody uses, those first that were asked for longest ago, until `store` may have so many bytes
  /// more; false where that cannot be.
  func makeRoom(for bytes: Int, in store: MemoryFeatures) -> Bool {
    guard store.byteCount.saturatingSum(bytes) <= limit else { return false }
    while groups.reduce(bytes, { $0.saturatingSum($1.store.byteCount) }) > limit {
      // Somebody trains by those that are held elsewhere too.
      guard let oldest = groups.indices.first(where: { isKnownUniquelyReferenced(&groups[$0].store) })
      else { return false }
      groups.remove(at: oldest).store.discard()
    }
    return true
  }

  /// The digest of a variable's type and elements, made anew where the session has given it another value since.
  func contents(of name: String, in session: Session) throws(FirnError) -> FeatureKey {
    let variable = Variable(session: ObjectIdentifier(session.token), name: name)
    if let known = contents[variable], known.revision == session.revision(of: name) { return known.key }
    var digest = Digest()
    digest.add(try session.contents(of: name))
    let key = FeatureKey(&digest)
    digestedVariables += 1
    if contents.count >= Self.keptContents { contents = [:] }
    // A first value may have been made just now.
    contents[variable] = Contents(session: session.token, revision: session.revision(of: name), key: key)
    return key
  }

  private static let keptContents = 1 << 14

  /// The digests of these columns' rows, as far as they are known.
  func digests(of columns: [(name: String, array: NDArray)]) -> ExampleDigests {
    if let known = digests.first(where: { $0.isOf(columns) }) { return known }
    let made = ExampleDigests(columns)
    digests.append(made)
    if digests.count > Self.keptDigests { digests.removeFirst() }
    return made
  }

  /// Training, validation and test data, and one more.
  private static let keptDigests = 4
}

extension FeaturePlace: CustomStringConvertible {
  /// In a few words: `memory, 1 GiB at most`.
  public var description: String {
    let most = limit == .max ? "" : ", \(limit) bytes at most"
    switch kind {
    case .memory: return "memory" + most
    case .folder(let path): return "the folder '\(path)'" + most
    }
  }
}
