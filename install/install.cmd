@echo off
rem Installs Blindlink from this folder alone, into %LOCALAPPDATA%\blindlink or the folder that is named.
rem No administrator rights, no network.
setlocal
set "into=%~1"
if not defined into set "into=%LOCALAPPDATA%\blindlink"
py -PYTHON_VERSION -m venv "%into%"
if errorlevel 1 goto :failed
"%into%\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --no-index --find-links "%~dp0wheels" --require-hashes --requirement "%~dp0requirements.txt"
if errorlevel 1 goto :failed
"%into%\Scripts\blindlink.exe" --help >nul
if errorlevel 1 goto :failed
echo installed: %into%\Scripts\blindlink.exe and blindlink-audit.exe
exit /b 0
:failed
echo error: Blindlink was not installed; the lines above say why. Is Python PYTHON_VERSION there (py -PYTHON_VERSION)?
exit /b 1
