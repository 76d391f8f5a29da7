---@meta tidelock.fs

---Reads and writes files below the folders that the operator allows to the script, by
---`--allow NAME:files=DIR` (or `DIR:write`) on the command line; without it each call returns an error
---with the code `DENIED` and the option to add. All functions but `folder` and `folders` wait, while other tasks
---go on. Paths are relative to the folder; no `..`, no absolute path and no link leads out of it.
---
---```lua
---local fs = require "tidelock.fs"
---local script = require "tidelock.script"
---
---script.on_start(function()
---  local text, err = fs.read "settings.json"
---  if not text then return print(err.code) end
---  print(#text)
---end)
---```
---Started without `--allow` it prints:
---```text
---DENIED
---```
---The functions of the module work in the folder that was allowed first; `fs.folder` reaches others.
---Calls of one script are done one after the other, in their order.
---@class tidelock.fs
local fs = {}

---One of the folders that are allowed to the script.
---@class tidelock.fs.Folder
local Folder = {}

---How much a file may have. Other names raise.
---@class tidelock.fs.Most
---@field max_bytes? integer the most bytes. Default: 64 MiB

---How a folder is made. Other names raise.
---@class tidelock.fs.MakeOptions
---@field parents? boolean the folders on its way are made too, and it is no error that it is there. Default: `false`

---What lies in a folder.
---@class tidelock.fs.Entry
---@field name string its name; any bytes but `/` and zero
---@field type "file"|"folder"|"link"|"other" what it is; a link is not followed

---What a file is.
---@class tidelock.fs.Info
---@field type "file"|"folder"|"other" what it is, at the end of a link
---@field size integer its bytes
---@field modified number when it was changed last, in seconds since 1970 began

---An allowed folder, as `fs.folders` tells it.
---@class tidelock.fs.Allowed
---@field dir string the folder as the command line has it
---@field write boolean whether it may be changed

---Reads a whole file.
---@param path string of a plain file
---@param options? tidelock.fs.Most the limit
---@return string? bytes what it holds
---@return tidelock.Error? err `NOT_FOUND`; `DENIED`: not allowed, or it leads out of the folder; `TOO_LARGE`: more than `max_bytes`, or than the script has room for; `INVALID`: no plain file, or no name; `BUSY`: too many open files; `IO`: the system refuses, and why
function fs.read(path, options) end

---Writes a whole file at once: it is written aside, made durable, and takes the place of the one before.
---Whatever happens, the file has the old bytes or the new ones. A file that is there keeps its rights.
---@param path string of a plain file, or of none; a link in its place is not written through
---@param bytes string what it will hold
---@param options? tidelock.fs.Most the limit
---@return true? done it is on the disk
---@return tidelock.Error? err as for `read`; `IO` also where the disk is full or read-only
function fs.write(path, bytes, options) end

---Appends to a file, and makes it where there is none. All of the bytes are appended or, after an error,
---none. It does not wait until they are on the disk: a machine that loses power may lose them.
---@param path string of a plain file, or of none; a link in its place is not written through
---@param bytes string what is appended
---@param options? tidelock.fs.Most the limit of what is appended
---@return true? done it is appended
---@return tidelock.Error? err as for `write`
function fs.append(path, bytes, options) end

---Looks at a file or folder.
---@param path string of anything; a link is followed, within the folder
---@return tidelock.fs.Info? info what it is
---@return tidelock.Error? err `NOT_FOUND`, `DENIED`, `INVALID`, `IO`
function fs.stat(path) end

---Lists a folder.
---@param path? string the folder. Default: the allowed one
---@return tidelock.fs.Entry[]? entries by name, in the order of their bytes
---@return tidelock.Error? err as for `stat`; `TOO_LARGE`: more than 100,000 names, or than the script has room for
function fs.list(path) end

---Makes a folder.
---@param path string its name
---@param options? tidelock.fs.MakeOptions whether those on its way are made too
---@return true? done it is there
---@return tidelock.Error? err `BUSY`: there is something of that name; else as for `write`
function fs.mkdir(path, options) end

---Renames or moves a file or folder within the allowed one. What has the new name already is replaced:
---a file by a file, an empty folder by a folder.
---@param from string its name
---@param to string its new name
---@return true? done it has the new name
---@return tidelock.Error? err as for `write`
function fs.rename(from, to) end

---Removes a file, a link, or an empty folder.
---@param path string its name
---@return true? done it is gone
---@return tidelock.Error? err `BUSY`: the folder is not empty; else as for `write`
function fs.remove(path) end

---Tells which folders the operator allows to this script.
---@return tidelock.fs.Allowed[] folders in the order of the command line
function fs.folders() end

---Gives one of several allowed folders, with the same functions as methods.
---@param dir string the folder, as the command line has it
---@return tidelock.fs.Folder? folder the folder
---@return tidelock.Error? err `DENIED`: it is not allowed, with the option to add
function fs.folder(dir) end

---Like `fs.read`, in this folder.
---@param path string of a plain file
---@param options? tidelock.fs.Most the limit
---@return string? bytes what it holds
---@return tidelock.Error? err as for `fs.read`
function Folder:read(path, options) end

---Like `fs.write`, in this folder.
---@param path string of a plain file, or of none
---@param bytes string what it will hold
---@param options? tidelock.fs.Most the limit
---@return true? done it is on the disk
---@return tidelock.Error? err as for `fs.write`
function Folder:write(path, bytes, options) end

---Like `fs.append`, in this folder.
---@param path string of a plain file, or of none
---@param bytes string what is appended
---@param options? tidelock.fs.Most the limit of what is appended
---@return true? done it is appended
---@return tidelock.Error? err as for `fs.append`
function Folder:append(path, bytes, options) end

---Like `fs.stat`, in this folder.
---@param path string of anything
---@return tidelock.fs.Info? info what it is
---@return tidelock.Error? err as for `fs.stat`
function Folder:stat(path) end

---Like `fs.list`, in this folder.
---@param path? string the folder. Default: this one
---@return tidelock.fs.Entry[]? entries by name, in the order of their bytes
---@return tidelock.Error? err as for `fs.list`
function Folder:list(path) end

---Like `fs.mkdir`, in this folder.
---@param path string its name
---@param options? tidelock.fs.MakeOptions whether those on its way are made too
---@return true? done it is there
---@return tidelock.Error? err as for `fs.mkdir`
function Folder:mkdir(path, options) end

---Like `fs.rename`, within this folder.
---@param from string its name
---@param to string its new name
---@return true? done it has the new name
---@return tidelock.Error? err as for `fs.rename`
function Folder:rename(from, to) end

---Like `fs.remove`, in this folder.
---@param path string its name
---@return true? done it is gone
---@return tidelock.Error? err as for `fs.remove`
function Folder:remove(path) end

return fs
