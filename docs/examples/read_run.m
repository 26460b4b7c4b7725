% Reads a run folder of Calyx (docs/formats.md) in MATLAB or GNU Octave 7.
%
%   r = read_run('<library>/runs/<uuid>')
%
% r.run is run.json; r.cells the metrics, one a component; r.footprints H x W x K; r.traces.<kind> K x T; r.time T x 1 (s, NaN: not known);
% r.images.<name> H x W.
function r = read_run(folder)
  r.run = jsondecode(fileread(fullfile(folder, 'run.json')));
  if r.run.formatVersion ~= 1, error('format version %d is not known here', r.run.formatVersion); end
  [k, h, w] = deal(r.run.components, r.run.height, r.run.width);
  r.cells = {};
  if exist(fullfile(folder, 'metrics.json'), 'file')
    r.cells = getfield(jsondecode(fileread(fullfile(folder, 'metrics.json'))), 'cells');
  end
  r.footprints = read_footprints(fullfile(folder, 'footprints.npz'), k, h, w);
  r.traces = read_all(fullfile(folder, 'traces'));
  r.images = read_all(fullfile(folder, 'images'));
  r.time = [];
  if exist(fullfile(folder, 'time.npy'), 'file'), r.time = read_npy(fullfile(folder, 'time.npy')); end
end

% Every array of a folder by its name; min/max pyramids are left out.
function all = read_all(folder)
  all = struct();
  for file = dir(fullfile(folder, '*.npy'))'
    if isempty(strfind(file.name, '.pyramid.')), all.(file.name(1:end-4)) = read_npy(fullfile(folder, file.name)); end
  end
end

% SciPy's sparse rows: pixel = y*W + x, from 0.
function images = read_footprints(file, k, h, w)
  folder = tempname(); mkdir(folder);
  unzip(file, folder);
  [data, indices, indptr] = deal(read_npy(fullfile(folder, 'data.npy')), read_npy(fullfile(folder, 'indices.npy')), read_npy(fullfile(folder, 'indptr.npy')));
  delete(fullfile(folder, '*')); rmdir(folder);
  images = zeros(h, w, k);
  for c = 1:k
    at = double(indptr(c))+1:double(indptr(c+1));
    pixel = double(indices(at));
    images(sub2ind([h w k], floor(pixel / w) + 1, mod(pixel, w) + 1, repmat(c, size(pixel)))) = data(at);
  end
end

% An array of NumPy, little-endian and in C order: the last axis runs fastest in the file, the first in MATLAB.
function a = read_npy(file)
  f = fopen(file, 'r', 'l');
  start = fread(f, 10, 'uint8')';
  if ~isequal(start(1:6), [147 double('NUMPY')]) || start(7) ~= 1, error('%s is no array of NumPy', file); end
  header = fread(f, start(9) + 256 * start(10), 'uint8=>char')';
  type = regexp(header, '''descr'': ''[<|]([a-z]\d)''', 'tokens', 'once');
  axes = sscanf(strrep(char(regexp(header, '\(([\d, ]*)\)', 'tokens', 'once')), ',', ' '), '%d')';
  names = struct('f4', 'single', 'f8', 'double', 'i4', 'int32', 'u4', 'uint32', 'i8', 'int64', 'u1', 'uint8');
  a = fread(f, Inf, ['*' names.(type{1})]);
  fclose(f);
  if numel(axes) > 1, a = permute(reshape(a, fliplr(axes)), numel(axes):-1:1); end
end
