public import FirnGraph
public import FirnNotation
public import FirnRuntime

extension Session {
  /// Writes variables to a file, under the names and in the layout that a map reads; all but optimiser slots by default.
  ///
  ///     try session.save(to: "trained.pth", mapping: .pyTorchRNN(network, from: "rnn.", into: "rnn") + .pyTorch)
  ///
  /// The map is the one to load with, run backwards: `load(…, mapping:)` then gives the same bits, and so does PyTorch's
  /// `load_state_dict(torch.load("trained.pth"))`. Of what PyTorch has and Firn has not, the second bias of a plain cell
  /// or an LSTM is written as zeros, and `num_batches_tracked` is left out but of a cumulative norm, as PyTorch's own
  /// loading lets it be.
  ///
  /// - Parameters:
  ///   - path: the file; one that is there is replaced, whole or not at all.
  ///   - selection: what to write, whole variables.
  ///   - scope: the variables to write, and what names are relative to; all by default.
  ///   - mapping: what the file's names are here; the same by default.
  ///   - format: by default what the path's ending says, else safetensors.
  /// - Throws: `.invalidSelection` where the selection is faulty or names part of a variable, `.unknownName` where the
  ///   scope has none, `.invalidArgument` where a rule does not run backwards or the format has not a type,
  ///   `.duplicateName` where two variables would have one name, `.file` where the file cannot be written.
  public func save(
    to path: String, _ selection: Selection? = nil, from scope: String? = nil, mapping: NameMap = .identity,
    as format: WeightFormat? = nil
  ) throws(FirnError) {
    let all = try weights(selection)
    let own = try scope.map { scope throws(FirnError) in
      let inScope = all.entries.filter { $0.name != scope && Path.isWithin($0.name, scope) }
      guard !inScope.isEmpty else {
        throw FirnError(
          .unknownName, "there are no variables to write in `\(scope)`",
          remedy: NearestNames(to: scope, among: variables.map(\.scope)).question
            ?? "name a scope of the graph", place: scope)
      }
      return inScope.map { $0.renamed(String($0.name.dropFirst(scope.isEmpty ? 0 : scope.count + 1))) }
    }
    let entries = try UnmappedWeights(own ?? all.entries, by: mapping).entries
    var names: Set<String> = []
    for entry in entries where !names.insert(entry.name).inserted {
      throw FirnError(
        .duplicateName, "two variables would be `\(entry.name)` in the file",
        remedy: "write them apart, or with another map", place: entry.name)
    }
    try Weights(source: all.source, entries: entries).write(to: path, as: format)
  }
}
